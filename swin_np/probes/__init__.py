"""Trained probes: two tiny tasks that need the shift and the bias, with learned weights that come with the package."""

from swin_np.probes.evaluation import accuracy_by_position, cross_entropy, is_right, logits_of, straddles
from swin_np.probes.models import ABLATIONS, load_probe, probe_config, remove_bias, remove_shift, results
from swin_np.probes.tasks import TASKS, Boards, Task, task_named

__all__ = [
    "ABLATIONS", "TASKS", "Boards", "Task", "accuracy_by_position", "cross_entropy", "is_right", "load_probe",
    "logits_of", "probe_config", "remove_bias", "remove_shift", "results", "straddles", "task_named",
]
