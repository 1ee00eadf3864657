"""Section 3.1: what goes wrong between the last stage and the class scores, and with the blocks of a stage."""

from dataclasses import replace

from swin_np.functional import Array, softmax
from swin_np.layers import Module
from swin_np.mistakes.mistake import NOWHERE, mistake, shown_as

POOL = "swin_np.model.SwinTransformer.pool"
HEAD = "section 4.1 and appendix A2.1, image classification"


@mistake(POOL, place=HEAD, modules=r"norm|head|output",
         says="The tokens are averaged before the final norm instead of after it.",
         fix="Normalise the last map, then take the mean over its tokens.")
def pool_before_the_norm(self: Module, x: Array) -> Array:
    return self.norm(x.mean(axis=(1, 2)))


@mistake(POOL, place=HEAD, modules=r"head|output",
         says="The head is given the first token, as if it were a class token, which Swin does not have.",
         fix="Give the head the mean over all tokens.")
def first_token_for_the_mean(self: Module, x: Array) -> Array:
    return self.norm(x)[:, 0, 0]


@mistake(POOL, place=HEAD, modules=r"head|output",
         says="The head is given the largest value of each channel instead of the mean.",
         fix="Give the head the mean over all tokens.")
def maximum_for_the_mean(self: Module, x: Array) -> Array:
    return self.norm(x).max(axis=(1, 2))


@mistake(POOL, place=HEAD, modules=r"norm|head|output",
         says="The final norm is left out; the paper does not mention it, but the official code and its checkpoints "
              "have it.",
         fix="Apply norm to the last map before the mean.")
def final_norm_left_out(self: Module, x: Array) -> Array:
    return shown_as(self.norm, x).mean(axis=(1, 2))


@mistake("swin_np.model.SwinTransformer.classify", place=HEAD, modules=r"head|output",
         says="The model returns probabilities instead of class scores; a loss or a second softmax behind it then "
              "flattens them.",
         fix="Return the head's scores and leave the softmax to whoever needs probabilities.")
def softmax_in_the_model(self: Module, x: Array) -> Array:
    features = self.pool(x)
    return softmax(features if self.head is None else self.head(features))


@mistake("swin_np.model.Stage.run_blocks", place="section 3.2, Eq. 3", modules=NOWHERE,
         says="The first block's weights are used in every block of the stage, as when one block is made and called "
              "again.",
         fix="Give each block the weights of its own number.")
def weights_of_the_first_block_in_all(self: Module, x: Array) -> Array:
    for block in self.blocks:
        x = replace(self.blocks[0], shift_size=block.shift_size)(x)
    return x
