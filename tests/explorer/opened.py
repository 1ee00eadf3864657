"""The page freshly opened, places in it, and its views: what the tests of the explorer share."""

import json

DESK = 1280                                            # pixels of a window's width
VIEWS = [
    "#fig4,8,4,2,step=3,token=7x7,mask=off", "#fig4,7x10,4,2,step=2,policy=timm", "#fig4,9,4,2,policy=microsoft",
    "#windows,8,4,2", "#token,8,4,2,token=7x7,key=15", "#reach,16,4,2,after=6",
    "#reach,20,4,2,policy=microsoft,after=5", "#sliding,8,4,2",
    "#network,same,full,example", "#network,flock,no_bias,example,level=block,block=4",
    "#network,same,full,g7x6.g8x9,cursor=7x6,level=head,block=2", "#network,same,no_shift,empty,level=softmax,block=3",
    "#network,same,full,g7x6.g8x9,cursor=7x6,level=product,block=2,key=11", "#model,swin_t,224,model",
    "#model,swin_b,256x512,stage3.block2.attn", "#model,swin_t,224,merging1", "#cost,448,1,adds", "#cost,448,2,bytes",
    "#cost,224,4,scores",
]


def show(browser, file, link, width=DESK):
    """The page with a link, freshly opened."""
    browser.open("about:blank")
    browser.open(file.as_uri() + link, width=width)


def address(browser):
    """The link to what is shown, which the browser's address says a moment later."""
    return browser.evaluate("explorer.page.link()")


def follow(browser, link):
    """Go to a link within the page."""
    browser.evaluate(f"location.hash = {json.dumps(link)}; new Promise((done) => setTimeout(done, 50))")


def centre(browser, selector, cell):
    """Where in the window the middle of a map's cell is, which is scrolled into view."""
    return browser.evaluate(f"""(() => {{
      const map = document.querySelector({json.dumps(selector)});
      map.scrollIntoView({{ block: "center" }});
      const cells = [...map.querySelectorAll("[role=gridcell]")];
      const box = cells[{cell}].querySelector(".cell").getBoundingClientRect();
      return [box.left + box.width / 2, box.top + box.height / 2];
    }})()""")
