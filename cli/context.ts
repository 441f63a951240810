/** What every command is handed: where to read and write, how to speak, when to stop. */
export interface CommandContext {
  readonly home: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** One JSON document instead of text. */
  readonly json: boolean;
  /** Only the essential value. */
  readonly quiet: boolean;
  /** Whether a progress bar may be drawn on stderr. */
  readonly progress: boolean;
  /** Longest silence of the node; undefined = the command's own default. */
  readonly timeoutMs: number | undefined;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}
