/// <reference path="../sdk/js/wconf.d.ts" />

// An nginx site: one server line for each directory below /services/web.
function render() {
  const upstream = getv("/nginx/upstream");
  const servers = ls("/services/web").map((id) => {
    const leaf = (name) => getv(`/services/web/${id}/${name}`);
    return `    server ${leaf("host")}:${leaf("port")} weight=${leaf("weight")};\n`;
  });
  return `upstream ${upstream} {
${servers.join("")}}

server {
    listen ${getv("/nginx/listen")};
    server_name ${getv("/nginx/server_name")};
    location / {
        proxy_pass http://${upstream};
    }
}
`;
}
