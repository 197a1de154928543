// wconf.ts: write guests for wconf in AssemblyScript. ABI wconf/v1, one file.
//
//     import { getv, write } from "./wconf";
//     export function render(): i32 { write(`listen ${getv("/nginx/listen")};\n`); return 0; }
//
//     asc site.ts --runtime incremental -O3 --noAssert --use abort=wconf/abort -o site.wasm
//
// Strings are UTF-16 here and UTF-8 at the host: each call converts.

// generated from package hostfuncs: make generate
@external("wconf/v1", "getv")
export declare function host_getv(key: usize, key_len: usize, buf: usize, cap: usize): i32;
@external("wconf/v1", "exists")
export declare function host_exists(key: usize, key_len: usize): i32;
@external("wconf/v1", "gets")
export declare function host_gets(pattern: usize, pattern_len: usize, buf: usize, cap: usize): i32;
@external("wconf/v1", "getvs")
export declare function host_getvs(pattern: usize, pattern_len: usize, buf: usize, cap: usize): i32;
@external("wconf/v1", "ls")
export declare function host_ls(dir: usize, dir_len: usize, buf: usize, cap: usize): i32;
@external("wconf/v1", "lsdir")
export declare function host_lsdir(dir: usize, dir_len: usize, buf: usize, cap: usize): i32;
@external("wconf/v1", "param")
export declare function host_param(name: usize, name_len: usize, buf: usize, cap: usize): i32;
@external("wconf/v1", "params")
export declare function host_params(buf: usize, cap: usize): i32;
@external("wconf/v1", "input")
export declare function host_input(buf: usize, cap: usize): i32;
@external("wconf/v1", "write")
export declare function host_write(data: usize, data_len: usize): void;
@external("wconf/v1", "log")
export declare function host_log(level: i32, message: usize, message_len: usize): void;
@external("wconf/v1", "fail")
export declare function host_fail(message: usize, message_len: usize): void;
// end of what is generated

export const NOT_FOUND: i32 = -1;
export const DENIED: i32 = -2;
export const INVALID: i32 = -3;
export const TOO_LARGE: i32 = -4;

export class Pair {
  constructor(public key: string, public value: string) {}
}

// Where the text that is said lies, as UTF-8, and the answer. Buffers that are
// outgrown are left behind: the instance does not live long.
let said: usize = memory.data(1024);
let saidRoom: i32 = 1024;
let length: usize = 0;
let answer: usize = memory.data(4096);
let answerRoom: i32 = 4096;

/** Puts a text where the host can read it; its length is then in length. */
function say(text: string): usize {
  const most = 3 * text.length;
  if (most > saidRoom) {
    said = heap.alloc(most);
    saidRoom = most;
  }
  length = String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, said);
  return said;
}

/** Makes room for an answer of n bytes; false when it was there. */
function room(n: i32): bool {
  if (n <= answerRoom) return false;
  answer = heap.alloc(n);
  answerRoom = n;
  return true;
}

function text(n: i32): string { return String.UTF8.decodeUnsafe(answer, n); }

/** Ends the invocation with a message; the old file stays. */
export function fail(message: string): void {
  host_fail(say(message), length);
  unreachable();
}

/** What asc calls when an assertion, a cast or a bound does not hold. */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  fail(`${file ? file : ""}:${line}:${column}: ${message ? message : "abort"}`);
}

/** The value of exactly this key; null when it is absent, or not granted. */
export function lookup(key: string): string | null {
  const p = say(key);
  let n = host_getv(p, length, answer, answerRoom);
  if (room(n)) n = host_getv(p, length, answer, answerRoom);
  return n < 0 ? null : text(n);
}

/** The value of exactly this key; the invocation ends when it is not there. */
export function getv(key: string): string {
  const value = lookup(key);
  if (value === null) fail(`key does not exist: ${key}`);
  return value!;
}

export function getvOr(key: string, otherwise: string): string {
  const value = lookup(key);
  return value === null ? otherwise : value;
}

export function exists(key: string): bool {
  return host_exists(say(key), length) == 1;
}

/** Keys that match the pattern, and their values, in the order of the keys. */
export function gets(pattern: string): Pair[] {
  const p = say(pattern);
  let n = host_gets(p, length, answer, answerRoom);
  if (room(n)) n = host_gets(p, length, answer, answerRoom);
  return pairs("gets", n);
}

/** Values whose keys match the pattern, in their own order. */
export function getvs(pattern: string): string[] {
  const p = say(pattern);
  let n = host_getvs(p, length, answer, answerRoom);
  if (room(n)) n = host_getvs(p, length, answer, answerRoom);
  return list("getvs", n);
}

/** Names of the children of a directory. */
export function ls(dir: string): string[] {
  const p = say(dir);
  let n = host_ls(p, length, answer, answerRoom);
  if (room(n)) n = host_ls(p, length, answer, answerRoom);
  return list("ls", n);
}

/** Names of the children of a directory that have children themselves. */
export function lsdir(dir: string): string[] {
  const p = say(dir);
  let n = host_lsdir(p, length, answer, answerRoom);
  if (room(n)) n = host_lsdir(p, length, answer, answerRoom);
  return list("lsdir", n);
}

export function param(name: string): string | null {
  const p = say(name);
  let n = host_param(p, length, answer, answerRoom);
  if (room(n)) n = host_param(p, length, answer, answerRoom);
  return n < 0 ? null : text(n);
}

export function params(): Pair[] {
  let n = host_params(answer, answerRoom);
  if (room(n)) n = host_params(answer, answerRoom);
  return pairs("params", n);
}

/** What a filter or a check got to work on. */
export function input(): string {
  const n = fetchInput();
  return n < 0 ? "" : text(n);
}

/** The name and the arguments of a template function (export `call`). */
export function call(): string[] { return list("input", fetchInput()); }

function fetchInput(): i32 {
  let n = host_input(answer, answerRoom);
  if (room(n)) n = host_input(answer, answerRoom);
  return n;
}

export function write(data: string): void {
  host_write(say(data), length);
}

/** Levels: 0 debug, 1 info, 2 warn, 3 error. */
export function log(level: i32, message: string): void {
  host_log(level, say(message), length);
}

function list(what: string, n: i32): string[] {
  if (n < 0) fail(`${what}: answer ${n}`);
  const items = new Array<string>(load<u32>(answer));
  let p = answer + 4;
  for (let i = 0; i < items.length; i++) {
    const size = load<u32>(p);
    items[i] = String.UTF8.decodeUnsafe(p + 4, size);
    p += 4 + size;
  }
  return items;
}

function pairs(what: string, n: i32): Pair[] {
  if (n < 0) fail(`${what}: answer ${n}`);
  const items: Pair[] = [];
  let p = answer + 4;
  for (let left = load<u32>(answer); left > 0; left--) {
    const k = load<u32>(p), v = load<u32>(p, 4);
    items.push(new Pair(String.UTF8.decodeUnsafe(p + 8, k), String.UTF8.decodeUnsafe(p + 8 + k, v)));
    p += 8 + k + v;
  }
  return items;
}
