/**
 * A process that boots as a server does and then only waits: the tests of boot start it. SIGTERM ends it in good order, SIGUSR2 makes it crash.
 */
import { boot } from '../../../src/server/process/boot.js';

const booted = await boot(process.argv, {});
if (booted.kind === 'ended') process.exit(booted.exitCode);
const { log, supervisor } = booted;
const alive = setInterval(() => {}, 60_000);
process.on('SIGTERM', () => {
  clearInterval(alive);
  booted.end();
  log.notice('bye bye...');
  process.exit(0);
});
process.on('SIGUSR2', () => {
  throw new Error('crash wanted');
});
supervisor.ready();
log.notice('Ready to accept connections tcp');
