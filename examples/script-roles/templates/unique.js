function check() {
  const seen = new Map();
  input().split("\n").forEach((line, n) => {
    const [first] = line.split(" ");
    if (first === "" || first === "#") return;
    if (seen.has(first)) fail(`line ${n + 1} begins like line ${seen.get(first)}`);
    seen.set(first, n + 1);
  });
}
