import QATGraph

/// A U-Net for segmentation with batch norm and padded convolutions; its output has a score for each class of each pixel, [N, classes, H, W].
/// Source: Ronneberger et al. 2015, arXiv:1505.04597; names of parameters as in the widespread PyTorch implementation (`inc`, `down1`, `up1`, `outc`).
struct UNet {
  var net: NetworkBuilder

  /// Four levels from 64 to 1024 channels for colour images: 31.0 million parameters with 2 classes.
  static func standard(_ options: ArchitectureOptions) -> Graph {
    UNet(net: options.builder("unet", input: [3, 224, 224])).network(channels: [64, 128, 256, 512, 1024], classes: options.classes)
  }

  /// Two levels from 8 to 32 channels for 28×28 grey images.
  static func small(_ options: ArchitectureOptions) -> Graph {
    UNet(net: options.builder("unet_small", input: [1, 28, 28])).network(channels: [8, 16, 32], classes: options.classes)
  }

  private consuming func network(channels: [Int], classes: Int) -> Graph {
    var x = doubleConvolution(net.input, "inc.double_conv", channels: channels[0])
    var levels = [x]
    for level in 1..<channels.count {
      x = net.maxPool(x, "down\(level).maxpool_conv.0", kernel: 2, stride: 2)
      x = doubleConvolution(x, "down\(level).maxpool_conv.1.double_conv", channels: channels[level])
      levels.append(x)
    }
    for step in 1..<channels.count {
      let level = channels.count - 1 - step
      x = net.transposedConvolution(x, "up\(step).up", channels: channels[level], kernel: 2, stride: 2)
      x = net.concatenation([levels[level], x], "up\(step).cat")
      x = doubleConvolution(x, "up\(step).conv.double_conv", channels: channels[level])
    }
    return net.graph(output: net.convolution(x, "outc.conv", channels: classes, kernel: 1, hasBias: true), named: "logits")
  }

  private mutating func doubleConvolution(_ x: NetworkBuilder.Value, _ name: String, channels: Int) -> NetworkBuilder.Value {
    var x = x
    for half in 0..<2 {
      x = net.convolution(x, "\(name).\(3 * half)", channels: channels, kernel: 3, pad: 1)
      x = net.relu(net.batchNormalization(x, "\(name).\(3 * half + 1)"), "\(name).\(3 * half + 2)")
    }
    return x
  }
}
