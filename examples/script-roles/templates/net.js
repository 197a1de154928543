// What is declared by "function" the template may call; the rest is the script's own.
const number = (address) => address.split(".").reduce((n, part) => n * 256 + Number(part), 0);
const dotted = (n) => [24, 16, 8, 0].map((shift) => Math.floor(n / 2 ** shift) % 256).join(".");

function host(net, n) {
  const [base, bits] = net.split("/");
  const size = 2 ** (32 - bits);
  if (!/^\d+$/.test(n) || Number(n) >= size) fail(`${net} has no host ${n}`);
  return dotted(Math.floor(number(base) / size) * size + Number(n));
}
