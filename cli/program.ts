import { Command as Parser } from 'commander';
import { definer, notEmpty, positiveNumber, type Run } from './define.ts';
import { defineAudits } from './definitions/audits.ts';
import { defineBench } from './definitions/bench.ts';
import { defineFileCommands } from './definitions/files.ts';
import { defineGroups } from './definitions/groups.ts';
import { defineLog } from './definitions/log.ts';
import { defineNodeCommands } from './definitions/node.ts';
import { definePeers } from './definitions/peers.ts';
import { defineRepair } from './definitions/repair.ts';
import { defineReputation } from './definitions/reputation.ts';
import { defineSimulate } from './definitions/simulate.ts';
import { defineTestnet } from './definitions/testnet.ts';
import { packageVersion } from './package-version.ts';

/**
 * All commands with their operands and flags. What they do is imported only when they run, so that `holdfast version`
 * loads next to nothing and only `daemon` and the lab load libp2p and the KZG engine.
 */
export function createProgram(run: Run): Parser {
  const program = new Parser('holdfast')
    .description('Decentralized storage that proves it still holds your data.')
    .option('--home <folder>', 'home of the node (default: HOLDFAST_HOME, else the XDG data folder)', notEmpty)
    .option('--json', 'print one JSON document')
    .option('-q, --quiet', 'print only the essential value')
    .option('--verbose', 'print the causes of an error')
    .option('--no-progress', 'draw no progress bar')
    .option('--timeout <seconds>', 'longest silence of the node', positiveNumber)
    .version(packageVersion(), '--version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    // The one line about what was wrong is written by `main`, like that of any other error.
    .configureOutput({ outputError: () => {} });
  const define = definer(program, run);
  defineNodeCommands(program, define);
  defineFileCommands(program, define);
  definePeers(program, define);
  defineAudits(program, define);
  defineGroups(program, define);
  defineRepair(program, define);
  defineReputation(program, define);
  defineLog(program, define);
  defineTestnet(program, define);
  defineSimulate(program, define);
  defineBench(program, define);
  return program;
}
