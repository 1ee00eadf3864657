"""`python -m swin_np` is the command `swin-np`."""

import sys

from swin_np.commands.cli import main

sys.exit(main())
