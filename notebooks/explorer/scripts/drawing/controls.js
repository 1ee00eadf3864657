/** What a reader sets, by mouse, touch or key: each control is {node, set(value)} and tells of every change. */
explorer.controls = (() => {
  const { html, t, unique } = explorer.elements;

  /** A whole number between two bounds, with a button on either side. */
  function stepper(label, [least, most], onChange) {
    const id = unique();
    let value = least, highest = most;
    const input = html("input", { id, type: "number", inputmode: "numeric", min: least, max: most });
    const give = (next) => {
      const whole = next === "" ? NaN : Math.round(Number(next));       // an emptied field stays as it was
      if (Number.isFinite(whole)) onChange(Math.min(highest, Math.max(least, whole)));
      input.value = value;
    };
    input.addEventListener("change", () => give(input.value));
    const button = (sign, by, name) => html("button", {
      type: "button", "aria-label": t(name, { what: label }), onclick: () => give(value + by) }, sign);
    const less = button("−", -1, "control.less"), more = button("+", 1, "control.more");
    return {
      node: html("div", { class: "stepper" }, html("label", { for: id }, label), html("div", {}, less, input, more)),
      set(next, limit = most) {
        [value, highest] = [next, limit];
        input.value = value;
        input.max = highest;
        less.disabled = value <= least;
        more.disabled = value >= highest;
      },
    };
  }

  /** One of a few: {value: text}, side by side. */
  function choice(label, options, onChange) {
    const name = unique(), inputs = new Map();
    const all = Object.entries(options).map(([value, text]) => {
      const input = html("input", { type: "radio", name, value, onchange: () => onChange(value) });
      inputs.set(value, input);
      return html("label", {}, input, html("span", {}, text));
    });
    return {
      node: html("fieldset", { class: "choice" }, html("legend", {}, label), html("div", {}, all)),
      set(value) { inputs.get(String(value)).checked = true; },
    };
  }

  /** One of many: {value: text}, in a list that opens. */
  function list(label, options, onChange) {
    const id = unique();
    const select = html("select", { id, onchange: () => onChange(select.value) },
                        Object.entries(options).map(([value, text]) => html("option", { value }, text)));
    return { node: html("div", { class: "list" }, html("label", { for: id }, label), select),
             set(value) { select.value = value; } };
  }

  /** On or off. */
  function toggle(label, onChange) {
    const input = html("input", { type: "checkbox", role: "switch", onchange: () => onChange(input.checked) });
    return { node: html("label", { class: "toggle" }, input, html("span", {}, label)),
             set(value) { input.checked = value; } };
  }

  /** A number between two bounds, to be dragged; `say` gives its text. */
  function slider(label, [least, most, step], say, onChange) {
    const id = unique(), shown = html("output", { for: id });
    const input = html("input", { id, type: "range", min: least, max: most, step,
                                  oninput: () => onChange(Number(input.value)) });
    return {
      node: html("div", { class: "slider" }, html("label", { for: id }, label), input, shown),
      set(value) {
        input.value = value;
        shown.textContent = say(value);
        input.setAttribute("aria-valuetext", say(value));
      },
    };
  }

  /** Something to press. */
  const button = (text, onclick, attributes = {}) => html("button", { type: "button", onclick, ...attributes }, text);

  return { stepper, choice, list, toggle, slider, button };
})();
