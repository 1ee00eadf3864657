/** Deep links: `#fig4,8,4,2,step=3` is a view, the first values of its fields in their order, and others by name. */
explorer.link = (() => {
  const within = (pattern, least, most) => (text) =>
    (pattern.test(text) && Number(text) >= least && Number(text) <= most ? Number(text) : undefined);
  const whole = (least, most, initial) => ({ initial, write: String, read: within(/^\d+$/, least, most) });
  const number = (least, most, initial) => ({
    initial, write: (value) => String(Math.round(value * 100) / 100), read: within(/^\d+(\.\d+)?$/, least, most) });
  const pair = (least, most, initial) => ({
    initial, write: ([a, b]) => (a === b && least > 0 ? `${a}` : `${a}x${b}`),
    read: (text) => {
      const found = /^(\d+)(?:x(\d+))?$/.exec(text), both = found && [Number(found[1]), Number(found[2] ?? found[1])];
      return both && both.every((side) => side >= least && side <= most) ? both : undefined;
    } });
  const one = (values, initial) => ({
    initial, write: String, read: (text) => (values.includes(text) ? text : undefined) });
  const flag = (initial) => ({
    initial, write: (value) => (value ? "on" : "off"), read: (text) => ({ on: true, off: false })[text] });

  /** A link without its escapes; one that is escaped wrongly is taken as it is. */
  function unescaped(text) {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  }

  /**
   * What a link says.
   * @returns {{view: string, given: object, wrong: string[]}} wrong: what was not understood
   */
  function read(hash, views) {
    const [name, ...items] = unescaped(hash.replace(/^#/, "")).split(",");
    if (!Object.hasOwn(views, name)) return { view: null, given: {}, wrong: name ? [name] : [] };
    const fields = views[name].fields(), order = Object.keys(fields), given = {}, wrong = [];
    items.forEach((item, i) => {
      const [, key, text] = /^(\w+)=(.*)$/.exec(item) ?? ["", order[i], item];
      const known = Object.hasOwn(fields, key) && !Object.hasOwn(given, key);
      const value = known ? fields[key].read(text) : undefined;
      if (value === undefined) wrong.push(item || ",");
      else given[key] = value;
    });
    return { view: name, given, wrong };
  }

  /** The link to a state: the first three fields always, the others where they are not as they begin. */
  function write(view, fields, state) {
    const items = Object.entries(fields).map(([key, field], i) => {
      const text = field.write(state[key]);
      if (i < 3) return text;
      return text === field.write(field.initial) ? null : `${key}=${text}`;
    });
    return `#${[view, ...items.filter((item) => item !== null)].join(",")}`;
  }

  return { whole, number, pair, one, flag, read, write };
})();
