/**
 * Puts the state of the server into the process title, where `ps` and `top` show it.
 *
 * Source: spec/server.md 28.2.
 */
import type { ConfigValues } from '../config/directives.js';
import { expandTitle } from './title-template.js';

type TitleValues = Pick<
  ConfigValues,
  'procTitleTemplate' | 'bind' | 'port' | 'tlsPort' | 'unixsocket' | 'clusterEnabled' | 'setProcTitle'
>;

/** @param configFile  absolute path, or empty */
export function processTitle(values: TitleValues, program: string, configFile: string): string {
  const port = values.port === 0 ? values.tlsPort : values.port;
  return expandTitle(values.procTitleTemplate, {
    title: program,
    listenAddr: port === 0 ? `unixsocket:${values.unixsocket}` : `${values.bind[0] ?? '*'}:${port}`,
    serverMode: values.clusterEnabled ? '[cluster]' : '',
    port: values.port,
    tlsPort: values.tlsPort,
    unixsocket: values.unixsocket,
    configFile: configFile === '' ? '-' : configFile,
  });
}

export function updateProcessTitle(values: TitleValues, program: string, configFile: string): void {
  if (values.setProcTitle) process.title = processTitle(values, program, configFile);
}
