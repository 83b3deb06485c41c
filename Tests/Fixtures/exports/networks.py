"""The networks that make.py exports: (name, function that makes the module and its inputs, input names, ways)."""
import torch
import torch.nn.functional as F
import torchvision.models as models
from torch import nn
from torchvision.models import convnext, densenet, efficientnet, maxvit, mobilenetv2, mobilenetv3, regnet, resnet, shufflenetv2, swin_transformer


def images(size, count=4):
    return (torch.randn(count, 3, size, size),)


class Attention(nn.Module):
    """Attention over tokens with a mask, by hand as in BERT or by PyTorch's own function."""

    def __init__(self, width, heads, fused):
        super().__init__()
        self.heads, self.fused = heads, fused
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x, mask):
        batch, length, width = x.shape
        q, k, v = (layer(x).view(batch, length, self.heads, width // self.heads).transpose(1, 2) for layer in (self.query, self.key, self.value))
        if self.fused:
            result = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        else:
            scores = q @ k.transpose(-1, -2) / (width // self.heads) ** 0.5 + mask
            result = scores.softmax(-1) @ v
        return self.out(result.transpose(1, 2).reshape(batch, length, width))


class Layer(nn.Module):
    def __init__(self, width, heads, fused):
        super().__init__()
        self.attention, self.one, self.two = Attention(width, heads, fused), nn.LayerNorm(width, eps=1e-12), nn.LayerNorm(width, eps=1e-12)
        self.inner, self.outer = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.tanh = fused

    def forward(self, x, mask):
        x = self.one(x + self.attention(x, mask))
        return self.two(x + self.outer(F.gelu(self.inner(x), approximate="tanh" if self.tanh else "none")))


class Encoder(nn.Module):
    """A BERT-like classifier of token ids with a mask."""

    def __init__(self, fused, width=32, heads=4, layers=2, words=97, length=12):
        super().__init__()
        self.words, self.places = nn.Embedding(words, width), nn.Embedding(length, width)
        self.norm, self.layers = nn.LayerNorm(width, eps=1e-12), nn.ModuleList(Layer(width, heads, fused) for _ in range(layers))
        self.pool, self.head = nn.Linear(width, width), nn.Linear(width, 5)

    def forward(self, ids, mask):
        places = torch.arange(ids.shape[1], device=ids.device)
        x = self.norm(self.words(ids) + self.places(places)[None])
        hidden = (1.0 - mask[:, None, None, :].to(x.dtype)) * -10000.0
        for layer in self.layers:
            x = layer(x, hidden)
        return self.head(torch.tanh(self.pool(x[:, 0])))


def tokens(length=12):
    torch.manual_seed(2)
    return torch.randint(0, 97, (4, length)), (torch.arange(length)[None] < torch.tensor([[12], [7], [9], [4]])).long()


class RMSEncoder(nn.Module):
    """A decoder-like block: RMS normalisation, causal attention, a gated layer."""

    def __init__(self, width=32, heads=4):
        super().__init__()
        self.heads = heads
        self.one, self.two = nn.RMSNorm(width), nn.RMSNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)
        self.gate, self.up, self.down = (nn.Linear(*sizes, bias=False) for sizes in ((width, 64), (width, 64), (64, width)))
        self.head = nn.Linear(width, 5)

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = self.qkv(self.one(x)).reshape(batch, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        x = x + self.out(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(batch, length, width))
        y = self.two(x)
        return self.head((x + self.down(F.silu(self.gate(y)) * self.up(y))).mean(1))


class UNet(nn.Module):
    """Down and up again: transposed convolutions or resizing, group or batch normalisation."""

    def __init__(self, resizes, width=16):
        super().__init__()
        norm = (lambda c: nn.GroupNorm(4, c)) if resizes else nn.BatchNorm2d
        block = lambda i, o: nn.Sequential(nn.Conv2d(i, o, 3, padding=1), norm(o), nn.LeakyReLU(0.1), nn.Conv2d(o, o, 3, padding=1), norm(o), nn.SiLU())
        self.down = nn.ModuleList([block(3, width), block(width, 2 * width), block(2 * width, 4 * width)])
        self.up = nn.ModuleList([block(6 * width, 2 * width), block(3 * width, width)])
        self.scale = None if resizes else nn.ModuleList([nn.ConvTranspose2d(4 * width, 4 * width, 2, 2), nn.ConvTranspose2d(2 * width, 2 * width, 2, 2)])
        self.out = nn.Conv2d(width, 2, 1)

    def forward(self, x):
        kept = []
        for index, block in enumerate(self.down):
            x = block(x if index == 0 else F.max_pool2d(x, 2))
            kept.append(x)
        for index, block in enumerate(self.up):
            skip = kept[1 - index]
            if self.scale is None:
                x = F.interpolate(x, size=skip.shape[2:], mode="bilinear", align_corners=index == 1)
            else:
                x = self.scale[index](x)
                x = F.pad(x, [0, skip.shape[3] - x.shape[3], 0, skip.shape[2] - x.shape[2]])
            x = block(torch.cat([skip, x], 1))
        return self.out(x)


class SSD(nn.Module):
    """Backbone and head of a torchvision detector: class scores and box regressions of every anchor, the part that is trained."""

    def __init__(self, detector):
        super().__init__()
        self.backbone, self.head = detector.backbone, detector.head

    def forward(self, x):
        result = self.head(list(self.backbone(x).values()))
        return result["bbox_regression"], result["cls_logits"].softmax(-1)


def narrow(module, factor):
    """The same layers with fewer channels; those that read images keep their input."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            inputs = layer.in_channels if layer.in_channels == 3 else layer.in_channels // factor
            layer.__init__(inputs, layer.out_channels // factor, layer.kernel_size, layer.stride, layer.padding, layer.dilation, bias=layer.bias is not None)
    return module


def small_ssd():
    """torchvision's SSD300 with an eighth of its channels, at a smaller size that still has all its six grids."""
    detector = models.detection.ssd300_vgg16(weights=None, weights_backbone=None, num_classes=4)
    backbone = narrow(detector.backbone, 8)
    backbone.scale_weight = nn.Parameter(torch.full((64,), 20.0))
    channels = [64, 128, 64, 32, 32, 32]
    detector.head = models.detection.ssd.SSDHead(channels, detector.anchor_generator.num_anchors_per_location(), 4)
    return SSD(detector)


def small_segmentation(make_head, network):
    """torchvision's segmentation on a ResNet with one block a stage, the last two dilated instead of strided."""
    backbone = resnet.ResNet(resnet.Bottleneck, [1, 1, 1, 1], replace_stride_with_dilation=[False, True, True])
    features = models._utils.IntermediateLayerGetter(backbone, {"layer4": "out", "layer3": "aux"})
    return Segmentation(network(features, make_head(2048), models.segmentation.fcn.FCNHead(1024, 4)))


class Segmentation(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        result = self.network(x)
        return tuple(result[name] for name in ("out", "aux") if name in result)


class First(nn.Module):
    """The first output of a network that has auxiliary ones in training."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        result = self.network(x)
        return result if isinstance(result, torch.Tensor) else result[0]


def still(model):
    """Without anything random: what a training-mode file is compared with has no dice."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        if hasattr(module, "p") and type(module).__name__ == "StochasticDepth":
            module.p = 0.0
    return model


def vision(make, size):
    return lambda: (still(make()), images(size))


def torchvision_model(name, size, **arguments):
    return vision(lambda: First(models.get_model(name, weights=None, **arguments)), size)


def small_vit():
    return with_head(models.VisionTransformer(image_size=48, patch_size=16, num_layers=2, num_heads=4, hidden_dim=32, mlp_dim=64, num_classes=5))


def with_head(model):
    """torchvision starts this head from zeros, which would hide everything before it."""
    nn.init.normal_(model.heads.head.weight, std=0.1)
    return model


def small_swin(version):
    block = {1: swin_transformer.SwinTransformerBlock, 2: swin_transformer.SwinTransformerBlockV2}[version]
    merging = {1: swin_transformer.PatchMerging, 2: swin_transformer.PatchMergingV2}[version]
    return swin_transformer.SwinTransformer(
        [4, 4], 16, [2, 2], [2, 4], [4, 4], stochastic_depth_prob=0.0, num_classes=5, block=block, downsample_layer=merging)


def small_maxvit():
    return maxvit.MaxVit((64, 64), 16, 4, [16, 32], [1, 1], 8, 0.0, num_classes=5)


def small_convnext():
    setting = [convnext.CNBlockConfig(16, 32, 1), convnext.CNBlockConfig(32, None, 2)]
    return convnext.ConvNeXt(setting, stochastic_depth_prob=0.0, layer_scale=0.5, num_classes=5)


def small_efficientnet():
    config = efficientnet.MBConvConfig
    return efficientnet.EfficientNet([config(1, 3, 1, 32, 16, 1, 1, 1), config(6, 3, 2, 16, 24, 2, 1, 1), config(6, 5, 2, 24, 40, 1, 1, 1)], 0.0, num_classes=5)


def small_efficientnet_v2():
    fused, config = efficientnet.FusedMBConvConfig, efficientnet.MBConvConfig
    setting = [fused(1, 3, 1, 24, 24, 1), fused(4, 3, 2, 24, 48, 2), config(4, 3, 2, 48, 64, 1)]
    return efficientnet.EfficientNet(setting, 0.0, num_classes=5, last_channel=64)


def small_regnet(se):
    return regnet.RegNet(regnet.BlockParams([1, 2], [16, 32], [8, 8], [1.0, 1.0], [2, 2], se), num_classes=5)


CNN = ["ts11", "ts17keep", "dyn18", "dyn20raw"]
TRANSFORMER = ["ts14", "ts17", "dyn18", "dyn20", "dyn23"]
X, IDS = ["x"], ["ids", "mask"]

SMALL = [
    ("resnet18", torchvision_model("resnet18", 64, num_classes=5), X, ["ts9", "ts11", "ts13train", "ts17train", "ts17keep", "ts17one", "dyn18", "dyn20raw", "dyn20one"]),
    ("resnext", vision(lambda: resnet.ResNet(resnet.Bottleneck, [1, 1, 1, 1], num_classes=5, groups=8, width_per_group=4), 64), X, ["ts13keep", "dyn20"]),
    ("squeezenet", torchvision_model("squeezenet1_1", 64, num_classes=5), X, ["ts13", "dyn20"]),
    ("mobilenet_v2", vision(lambda: mobilenetv2.MobileNetV2(num_classes=5, width_mult=0.35), 64), X, ["ts11", "ts13train", "ts17keep", "dyn18", "dyn20raw"]),
    ("mobilenet_v3", torchvision_model("mobilenet_v3_small", 64, num_classes=5), X, ["ts13keep", "ts17keep", "dyn20", "dyn20raw"]),
    ("shufflenet", vision(lambda: shufflenetv2.ShuffleNetV2([2, 2, 2], [24, 48, 96, 192, 256], num_classes=5), 64), X, ["ts11", "ts17one", "ts17keep", "dyn20"]),
    ("densenet", vision(lambda: densenet.DenseNet(8, (2, 2, 2, 2), 16, num_classes=5), 64), X, ["ts13", "ts17train", "dyn20"]),
    ("googlenet", torchvision_model("googlenet", 64, num_classes=5, aux_logits=False, init_weights=False, transform_input=True), X, ["ts13", "dyn20raw"]),
    ("mnasnet", torchvision_model("mnasnet0_5", 64, num_classes=5), X, ["ts13keep", "dyn20"]),
    ("efficientnet", vision(small_efficientnet, 64), X, CNN),
    ("efficientnet_v2", vision(small_efficientnet_v2, 64), X, ["ts17keep", "dyn20"]),
    ("regnet_x", vision(lambda: small_regnet(None), 64), X, ["ts13"]),
    ("regnet_y", vision(lambda: small_regnet(0.25), 64), X, ["ts17keep", "dyn20raw"]),
    ("convnext", vision(small_convnext, 64), X, ["ts14", "ts17", "dyn18", "dyn20"]),
    ("vit", vision(small_vit, 48), X, TRANSFORMER + ["ts17one", "dyn20raw", "dyn20one"]),
    ("swin", vision(lambda: small_swin(1), 40), X, ["ts17", "ts17one", "dyn18", "dyn20raw"]),
    ("swin_v2", vision(lambda: small_swin(2), 40), X, ["ts17", "dyn20"]),
    ("maxvit", vision(small_maxvit, 64), X, ["ts17", "ts17keep", "dyn20", "dyn20raw"]),
    ("bert", lambda: (Encoder(fused=False), tokens()), IDS, ["ts14", "ts17", "dyn18", "dyn20", "dyn20raw"]),
    ("bert_fused", lambda: (Encoder(fused=True), tokens()), IDS, ["ts14", "ts17", "dyn18", "dyn20"]),
    ("decoder", lambda: (RMSEncoder(), (torch.randn(4, 6, 32),)), X, ["dyn20", "dyn23"]),
    ("unet", lambda: (UNet(False), images(36)), X, ["ts13keep", "dyn20"]),
    ("unet_resize", lambda: (UNet(True), images(36)), X, ["ts13", "ts18", "dyn20"]),
    ("ssdlite", lambda: (SSD(models.detection.ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=4)), images(96)), X, ["ts17keep", "dyn20"]),
    ("ssd300", vision(small_ssd, 272), X, ["ts17", "dyn20"]),
    ("fcn", vision(lambda: small_segmentation(lambda c: models.segmentation.fcn.FCNHead(c, 4), models.segmentation.FCN), 48), X, ["ts17keep", "dyn20"]),
    ("deeplabv3", vision(lambda: small_segmentation(lambda c: models.segmentation.deeplabv3.DeepLabHead(c, 4), models.segmentation.DeepLabV3), 48), X, ["ts17keep", "dyn20"]),
    ("lraspp", lambda: (Segmentation(models.segmentation.lraspp_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=4)), images(64)), X, ["ts13", "dyn20"]),
]

FULL = [
    (name, torchvision_model(name, size, **arguments), X, ways) for name, size, arguments, ways in [
        ("alexnet", 224, {}, ["ts13", "dyn20"]),
        ("vgg11", 224, {}, ["ts13"]), ("vgg16_bn", 224, {}, ["ts17keep", "dyn20"]),
        ("resnet50", 64, {}, CNN), ("resnet101", 64, {}, ["dyn20"]), ("resnext50_32x4d", 64, {}, CNN), ("wide_resnet50_2", 64, {}, ["ts17keep", "dyn20"]),
        ("squeezenet1_0", 64, {}, CNN), ("mobilenet_v2", 64, {}, CNN), ("mobilenet_v3_large", 64, {}, CNN), ("shufflenet_v2_x1_0", 64, {}, CNN),
        ("densenet121", 64, {}, CNN), ("googlenet", 64, dict(aux_logits=False, init_weights=False), CNN),
        ("inception_v3", 96, dict(aux_logits=False, init_weights=False, transform_input=True), CNN),
        ("mnasnet1_0", 64, {}, CNN), ("efficientnet_b0", 64, {}, CNN), ("efficientnet_v2_s", 64, {}, CNN),
        ("regnet_x_400mf", 64, {}, CNN), ("regnet_y_400mf", 64, {}, CNN),
        ("convnext_tiny", 64, {}, TRANSFORMER), ("vit_b_16", 224, {}, TRANSFORMER), ("swin_t", 64, {}, ["ts17", "dyn18", "dyn20", "dyn23"]),
        ("swin_v2_t", 64, {}, ["ts17", "dyn18", "dyn20"]), ("maxvit_t", 224, {}, ["ts17", "ts17keep", "dyn20"]),
    ]
] + [
    ("ssd300_vgg16", lambda: (SSD(models.detection.ssd300_vgg16(weights=None, weights_backbone=None)), images(300, 2)), X, ["ts17", "dyn20"]),
    ("fcn_resnet50", lambda: (Segmentation(models.segmentation.fcn_resnet50(weights=None, weights_backbone=None)), images(64)), X, ["ts17keep", "dyn20"]),
    ("deeplabv3", lambda: (Segmentation(models.segmentation.deeplabv3_mobilenet_v3_large(weights=None, weights_backbone=None)), images(64)), X, ["ts17keep", "dyn20"]),
]

CATALOGUE = {"small": SMALL, "full": FULL}
