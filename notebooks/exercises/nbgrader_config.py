"""nbgrader's configuration: `nbgrader generate_assignment 01_attention`, in this folder, reads source/01_attention."""

c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "swin_np"
c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\nraise NotImplementedError()"}
