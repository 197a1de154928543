// The conformance guest in AssemblyScript: tck.c says what it does.
import { host_getv, host_exists, host_gets, host_getvs, host_ls, host_lsdir, host_param, host_params, host_input, host_write, host_log, host_fail, param } from "../sdk/assemblyscript/wconf";

const wild: usize = 0xfffffff0;

function given(name: string): string {
  const value = param(name);
  return value === null ? "" : value;
}

export function render(): i32 {
  const f = given("function"), text = String.UTF8.encode(given("text")), cap: i32 = I32.parseInt(given("room"));
  let p = changetype<usize>(text);
  const n: usize = text.byteLength;
  for (let i: usize = 0; i < n; i++) if (load<u8>(p + i) == 0x7e) store<u8>(p + i, 0xff); // no UTF-8
  const room = new ArrayBuffer(cap + 4), at = changetype<usize>(room);
  memory.fill(at, 0x2e, cap + 4);
  let b = at;
  if (given("wild") == "text") p = wild;
  if (given("wild") == "buffer") b = wild;
  let answer = 0;
  if (f == "getv") answer = host_getv(p, n, b, cap);
  else if (f == "exists") answer = host_exists(p, n);
  else if (f == "gets") answer = host_gets(p, n, b, cap);
  else if (f == "getvs") answer = host_getvs(p, n, b, cap);
  else if (f == "ls") answer = host_ls(p, n, b, cap);
  else if (f == "lsdir") answer = host_lsdir(p, n, b, cap);
  else if (f == "param") answer = host_param(p, n, b, cap);
  else if (f == "params") answer = host_params(b, cap);
  else if (f == "input") answer = host_input(b, cap);
  else if (f == "write") host_write(p, n);
  else if (f == "log") host_log(cap, p, n);
  else if (f == "fail") host_fail(p, n);
  else return 1;
  const said = String.UTF8.encode(`${answer} `);
  host_write(changetype<usize>(said), said.byteLength);
  host_write(at, cap + 4);
  return 0;
}
