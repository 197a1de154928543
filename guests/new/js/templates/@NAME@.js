/// <reference path="wconf.d.ts" />

// Writes the file of the resource @NAME@.
function render() {
  const servers = ls("/@NAME@/servers").map((name) => `server ${name} ${getv(`/@NAME@/servers/${name}`)}\n`);
  return `title ${getv("/@NAME@/title")}\n${servers.join("")}`;
}
