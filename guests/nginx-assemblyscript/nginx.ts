// An nginx site in AssemblyScript: one server line for each directory below /services/web.
import { getv, ls, write } from "../sdk/assemblyscript/wconf";

export function render(): i32 {
  const upstream = getv("/nginx/upstream");
  let servers = "";
  const ids = ls("/services/web");
  for (let i = 0; i < ids.length; i++) {
    const at = "/services/web/" + ids[i];
    servers += `    server ${getv(at + "/host")}:${getv(at + "/port")} weight=${getv(at + "/weight")};\n`;
  }
  write(`upstream ${upstream} {
${servers}}

server {
    listen ${getv("/nginx/listen")};
    server_name ${getv("/nginx/server_name")};
    location / {
        proxy_pass http://${upstream};
    }
}
`);
  return 0;
}
