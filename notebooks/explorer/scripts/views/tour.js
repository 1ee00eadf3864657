/** The guided tour: ten steps, each a link and a few sentences, for a reader who is alone. */
explorer.tour = (() => {
  const { html, t } = explorer.elements, { button } = explorer.controls;
  const STEPS = [
    "#windows,8,4,2,token=1x1", "#windows,8,4,2,token=3x3", "#fig4,8,4,2,step=1,token=3x3",
    "#fig4,8,4,2,step=3,token=7x7,mask=off",
    "#fig4,8,4,2,step=3,token=7x7", "#token,8,4,2,token=3x3,key=15", "#reach,16,4,2,token=5x5,after=2",
    "#network,same,no_shift,g7x6.g8x9", "#network,same,full,g7x6.g8x9,cursor=7x6,level=head,block=2",
    "#cost,448"];
  let step = 1, parts = null;                          // counted from 1

  /** The button that begins the tour. */
  const opener = () => button(t("tour.begin"), () => go(1), { class: "tour-opener" });

  /** The panel, which is hidden until the tour begins. */
  function panel() {
    const count = html("p", { class: "count" }), text = html("p", { "aria-live": "polite" });
    const back = button(t("tour.back"), () => go(step - 1)), forward = button(t("tour.forward"), () => go(step + 1));
    const node = html("aside", { class: "tour", "aria-label": t("tour.name"), hidden: true, tabindex: -1 }, count, text,
                      html("div", {}, back, forward, button(t("tour.end"), end)));
    parts = { node, count, text, back, forward };
    return node;
  }

  /** Show a step, 1 to 10, and what it leads to. */
  function go(next) {
    step = Math.min(STEPS.length, Math.max(1, next));
    parts.node.hidden = false;
    parts.count.textContent = t("tour.count", { step, all: STEPS.length });
    parts.text.textContent = t(`tour.${step}`);
    parts.back.disabled = step === 1;
    parts.forward.disabled = step === STEPS.length;
    location.hash = STEPS[step - 1];
    document.body.classList.add("touring");
    scrollTo(0, 0);
  }

  function end() {
    parts.node.hidden = true;
    document.body.classList.remove("touring");
    document.querySelector(".tour-opener").focus();
  }

  return { opener, panel, go };
})();
