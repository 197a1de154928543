function filter() {
  const rows = input().split("\n").map((line) => line.startsWith("#") ? [line] : line.split(/ (.*)/, 2));
  const width = Math.max(...rows.map((row) => row.length === 2 ? row[0].length : 0)) + Number(param("gap", "2"));
  return rows.map(([first, rest]) => rest === undefined ? first : first.padEnd(width) + rest).join("\n");
}
