// What every script finds: wconf's functions over those of the host. It is run
// once, before the script is compiled; host is an object of functions that take
// and give strings. What it needs of the language it takes now, so that nothing
// a script does to built-in objects changes what these functions do.
(function (host) {
  "use strict";
  const { parse, stringify } = JSON;
  const { defineProperty, freeze, getOwnPropertyDescriptor, getOwnPropertyNames } = Object;
  const Failure = Error, Wrong = TypeError, Text = String;

  function text(value, what) {
    if (typeof value !== "string") {
      throw new Wrong(`${what} must be a string, not ${value === null ? "null" : typeof value}`);
    }
    return value;
  }

  function plain(value) {
    if (typeof value === "string") return value;
    if (typeof value === "object" && value !== null && !(value instanceof Failure)) {
      const json = stringify(value);
      if (typeof json === "string") return json;
    }
    return Text(value);
  }

  function say(level, values) {
    let line = "";
    for (let i = 0; i < values.length; i++) line += (i > 0 ? " " : "") + plain(values[i]);
    host.log(level, line);
  }

  const functions = {
    getv(key, fallback) {
      const value = host.getv(text(key, "the key of getv"));
      if (value !== undefined) return value;
      if (arguments.length > 1) return fallback;
      throw new Failure("key does not exist: " + key);
    },
    exists(key) {
      return host.exists(text(key, "the key of exists")) !== undefined;
    },
    gets(pattern) {
      return parse(host.gets(text(pattern, "the pattern of gets")));
    },
    getvs(pattern) {
      return parse(host.getvs(text(pattern, "the pattern of getvs")));
    },
    ls(dir) {
      return parse(host.ls(text(dir, "the directory of ls")));
    },
    lsdir(dir) {
      return parse(host.lsdir(text(dir, "the directory of lsdir")));
    },
    param(name, fallback) {
      const value = host.param(text(name, "the name of param"));
      if (value !== undefined) return value;
      if (arguments.length > 1) return fallback;
      throw new Failure("parameter is not set: " + name);
    },
    params() {
      return parse(host.params());
    },
    input() {
      const content = host.input();
      if (content !== undefined) return content;
      throw new Failure("there is no input: filters and checks have one");
    },
    log(level, message) {
      if (level !== "debug" && level !== "info" && level !== "warn" && level !== "error") {
        throw new Wrong("the level of log must be debug, info, warn or error");
      }
      say(level, [message]);
    },
    fail(message) {
      host.fail(plain(message), Text(new Failure().stack));
    },
  };
  const console = {
    log: (...values) => say("info", values),
    info: (...values) => say("info", values),
    debug: (...values) => say("debug", values),
    warn: (...values) => say("warn", values),
    error: (...values) => say("error", values),
  };
  const give = (name, value) => defineProperty(globalThis, name, { value, writable: true, configurable: true });
  for (const name in functions) give(name, freeze(functions[name]));
  give("console", freeze(console));

  const functionOf = (name) => {
    const value = getOwnPropertyDescriptor(globalThis, name).value;
    return typeof value === "function" ? value : undefined;
  };
  const before = { __proto__: null };
  for (const name of getOwnPropertyNames(globalThis)) before[name] = functionOf(name);

  // What the script declared by "function" at its top level, with how many
  // parameters each has before the first with a default.
  return () => {
    const names = getOwnPropertyNames(globalThis);
    const found = { __proto__: null };
    for (let i = 0; i < names.length; i++) {
      const it = functionOf(names[i]);
      if (it !== undefined && it !== before[names[i]]) found[names[i]] = getOwnPropertyDescriptor(it, "length").value;
    }
    return stringify(found);
  };
})
