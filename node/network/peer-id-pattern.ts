/** Text form of the id of an Ed25519 peer (libp2p peer ids, identity multihash): `12D3KooW…`. */
export const PEER_ID_PATTERN = '^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$';
