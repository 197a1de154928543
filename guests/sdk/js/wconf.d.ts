// What a script for wconf finds (functions of wconf/v1 1.0). Begin a script with
//     /// <reference path="wconf.d.ts" />
// and the editor knows them; of browsers and of Node there is nothing.
/// <reference no-default-lib="true" />
/// <reference lib="es2023" />

/** The value of exactly this key. Without a fallback a key that is absent ends the render. */
declare function getv(key: string): string;
declare function getv<T>(key: string, fallback: T): string | T;

/** Whether exactly this key has a value. Directories do not count. */
declare function exists(key: string): boolean;

/** The keys that match and their values, in the order of the keys. `*` and `?` stay within one segment of the path. */
declare function gets(pattern: string): { key: string; value: string }[];

/** The values whose keys match, sorted by value. */
declare function getvs(pattern: string): string[];

/** The names of a directory's children, keys and directories, sorted. An absent directory lists nothing. */
declare function ls(dir: string): string[];

/** The names of a directory's children that have children themselves, sorted. */
declare function lsdir(dir: string): string[];

/** A parameter of the resource's [template.params]; wconf.name, wconf.dest and wconf.revision are always there. */
declare function param(name: string): string;
declare function param<T>(name: string, fallback: T): string | T;

/** All parameters, without wconf.revision. */
declare function params(): { [name: string]: string };

/** For filters and checks: what was rendered, after the filters before. */
declare function input(): string;

/** Says something in wconf's log. console.debug, log, info, warn and error do, too. */
declare function log(level: "debug" | "info" | "warn" | "error", message: unknown): void;

/** Ends the render with this message, or refuses what a check looks at. The old file stays. */
declare function fail(message: unknown): never;

/** Lines of wconf's log. */
declare const console: {
  debug(...values: unknown[]): void;
  log(...values: unknown[]): void;
  info(...values: unknown[]): void;
  warn(...values: unknown[]): void;
  error(...values: unknown[]): void;
};
