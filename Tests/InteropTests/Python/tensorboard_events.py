"""tensorboard_events.py FOLDER: reads a folder of event files with TensorBoard's own readers and prints what they hold as JSON.

"scalars" and "graph" come from the accumulator for scripts, "tensors" from the one behind TensorBoard's pages, which brings every summary to the form that its plugins show.
"""
import json
import sys
import warnings

warnings.filterwarnings("ignore")
from tensorboard.backend.event_processing import event_accumulator, plugin_event_accumulator
from tensorboard.util import tensor_util

everything = {"scalars": 0, "histograms": 0, "tensors": 0, "graph": 0}
scripts = event_accumulator.EventAccumulator(sys.argv[1], size_guidance=everything).Reload()
pages = plugin_event_accumulator.EventAccumulator(sys.argv[1], size_guidance=everything, tensor_size_guidance={}).Reload()


def shown(event):
    value = tensor_util.make_ndarray(event.tensor_proto)
    return value.item().decode() if value.dtype == object else value.tolist()


def nodes():
    for node in scripts.Graph().node:
        shapes = [[dim.size for dim in shape.dim] for shape in node.attr["_output_shapes"].list.shape]
        yield {"name": node.name, "type": node.op, "inputs": list(node.input), "shapes": shapes}


tags = [tag for names in pages.Tags().values() if isinstance(names, list) for tag in names]
print(json.dumps({
    "scalars": {tag: [[event.step, event.value] for event in scripts.Scalars(tag)] for tag in scripts.Tags()["scalars"]},
    "histograms": {tag: [[event.step, shown(event)] for event in pages.Tensors(tag)] for tag in tags if tag in pages.PluginTagToContent("histograms")} if "histograms" in pages._plugin_to_tag_to_content else {},
    "texts": {tag: shown(pages.Tensors(tag)[0]) for tag in tags if tag in pages.PluginTagToContent("text")} if "text" in pages._plugin_to_tag_to_content else {},
    "graph": list(nodes()) if scripts.Tags()["graph"] else [],
}))
