/** What the command line asks of a server that it starts. */

/** What `strongroom server` was asked to do. */
export interface ServerOptions {
  /** Configuration files, or folders of them, in order. */
  readonly configPaths: readonly string[];
  /** Present with -dev: an unsealed server that keeps everything in memory. */
  readonly dev: DevOptions | undefined;
  /** `trace`, `debug`, `info`, `warn` or `error`; undefined leaves it to the configuration. */
  readonly logLevel: string | undefined;
  readonly logFormat: 'standard' | 'json' | undefined;
}

export interface DevOptions {
  readonly rootToken: string | undefined;
  /** `host:port`. */
  readonly listenAddress: string;
  /** Keeps the root token out of `~/.vault-token`. */
  readonly storeToken: boolean;
  readonly tls: DevTlsOptions | undefined;
  /** Mounts version 1 of the key-value engine at secret/ instead of version 2. */
  readonly kvVersion1: boolean;
}

export interface DevTlsOptions {
  /** Folder to put the generated certificates into; a temporary one when undefined. */
  readonly folder: string | undefined;
  readonly extraNames: readonly string[];
}

/** What `strongroom start` was asked to do. */
export interface StartOptions {
  /** Folder of the embedded store; created when missing. */
  readonly dataFolder: string;
  /** `host:port`. */
  readonly listenAddress: string;
  readonly logLevel: string | undefined;
  readonly logFormat: 'standard' | 'json' | undefined;
}
