#include "point-cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SETS 4096
#define WAYS 8
#define KEY_BYTES 48

struct entry {
  uint8_t key[KEY_BYTES]; /* all zero: empty; no valid encoding is */
  blst_p1_affine point;
};

struct set {
  struct entry way[WAYS];
  uint32_t oldest;
};

static struct set *sets;
static uint64_t hash_seed;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

int point_cache_start(uint64_t seed) {
  pthread_mutex_lock(&lock);
  if (sets == NULL) {
    sets = calloc(SETS, sizeof *sets);
    hash_seed = seed;
  }
  int made = sets != NULL;
  pthread_mutex_unlock(&lock);
  return made;
}

/* Multiply and mix (the finaliser of MurmurHash3, Appleby 2011) over the six words, from a secret start. */
static uint32_t set_of(const uint8_t key[KEY_BYTES]) {
  uint64_t hash = hash_seed;
  for (int i = 0; i < KEY_BYTES; i += 8) {
    uint64_t word;
    memcpy(&word, key + i, sizeof word);
    hash = (hash ^ word) * 0xff51afd7ed558ccdull;
    hash ^= hash >> 33;
  }
  return (uint32_t)(hash % SETS);
}

static int find(blst_p1_affine *point, const uint8_t key[KEY_BYTES]) {
  int found = 0;
  pthread_mutex_lock(&lock);
  const struct set *set = &sets[set_of(key)];
  for (int i = 0; i < WAYS && !found; i++) {
    if (memcmp(set->way[i].key, key, KEY_BYTES) != 0) continue;
    *point = set->way[i].point;
    found = 1;
  }
  pthread_mutex_unlock(&lock);
  return found;
}

static void remember(const blst_p1_affine *point, const uint8_t key[KEY_BYTES]) {
  pthread_mutex_lock(&lock);
  struct set *set = &sets[set_of(key)];
  struct entry *entry = &set->way[set->oldest++ % WAYS];
  memcpy(entry->key, key, KEY_BYTES);
  entry->point = *point;
  pthread_mutex_unlock(&lock);
}

/* The two points with x = 0 have order 3. blst does not decode them. */
static int x_is_zero(const uint8_t bytes[48]) {
  uint8_t any = bytes[0] & 0x1f;
  for (int i = 1; i < KEY_BYTES; i++) any |= bytes[i];
  return any == 0;
}

/* blst refuses x of p or more, infinity with stray bits and a missing compression flag, all as bad encodings. */
const char *decode_commitment(blst_p1_affine *point, const uint8_t bytes[48]) {
  if ((bytes[0] & 0x80) == 0) return "the compression flag is missing";
  if (find(point, bytes)) return NULL;
  BLST_ERROR error = blst_p1_uncompress(point, bytes);
  if (error == BLST_POINT_NOT_ON_CURVE) return "no point of the curve has this x coordinate";
  if (error != BLST_SUCCESS && (bytes[0] & 0x40) != 0) return "the point at infinity has stray bits";
  if (error != BLST_SUCCESS && !x_is_zero(bytes)) return "the encoding is not canonical";
  if (error != BLST_SUCCESS || !blst_p1_affine_in_g1(point)) return "the point is not in the prime-order subgroup";
  if (!blst_p1_affine_is_inf(point)) remember(point, bytes);
  return NULL;
}
