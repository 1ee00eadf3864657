"""A notebook without what a translation may change."""

from copy import deepcopy

from nbformat import NotebookNode

from notebooks.translate.sidecars import picture_outputs


def bare(notebook: NotebookNode) -> NotebookNode:
    """A notebook without its Markdown, and without its pictures (test_chinese_labels.py) and their descriptions."""
    notebook = deepcopy(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = ""
        for output in picture_outputs(cell):
            output.metadata["image/png"]["alt"] = output.data["text/plain"] = output.data["image/png"] = ""
    return notebook
