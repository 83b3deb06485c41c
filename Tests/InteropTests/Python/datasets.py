"""Writes small data sets with numpy, Pillow and the standard library, and prints what they hold. Arguments: the kind, the folder."""
import io
import json
import os
import sys
import tarfile

import numpy as np
from PIL import Image

kind, folder = sys.argv[1:3]
rng = np.random.default_rng(7)


def picture(height, width, channels=3):
    """A smooth picture with some grain, so that JPEG keeps something of it."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / (3 + c) + c) * np.cos(y / (5 + c)) for c in range(channels)]
    values = 128 + 90 * np.stack(waves, axis=-1) + rng.normal(0, 6, (height, width, channels))
    return np.clip(values, 0, 255).astype(np.uint8)


def pixels(image):
    """[channels, height, width] in [0, 1]."""
    values = np.asarray(image, dtype=np.float32) / np.float32(255)
    return values[None] if values.ndim == 2 else values.transpose(2, 0, 1)


def numbers(array):
    return [float(x) for x in np.asarray(array, dtype=np.float64).ravel()]


def decoded():
    """Files of every kind that Pillow writes, with what Pillow reads from them in colour and in grey."""
    found = []
    colours = Image.fromarray(picture(23, 31))
    grey = Image.fromarray(picture(18, 11, 1)[..., 0])
    alpha = Image.fromarray(np.concatenate([picture(9, 8), rng.integers(0, 256, (9, 8, 1), dtype=np.uint8)], axis=-1))
    files = [
        ("colours.png", colours, {}), ("grey.png", grey, {}), ("alpha.png", alpha, {}), ("palette.png", colours.quantize(16), {}),
        ("one.png", colours.crop((0, 0, 1, 1)), {}), ("bits.png", grey.convert("1"), {}),
        ("colours.jpg", colours, {"quality": 95, "subsampling": 0}), ("usual.jpg", colours, {}), ("grey.jpg", grey, {}),
        ("progressive.JPEG", colours, {"progressive": True}), ("printed.jpg", colours.convert("CMYK"), {"quality": 100}),
        ("named.png.jpg", grey, {"format": "PNG"}),
    ]
    for name, image, options in files:
        path = os.path.join(folder, name)
        image.save(path, **options)
        read = Image.open(path)
        found.append({
            "name": name, "size": [read.height, read.width], "colour": numbers(pixels(read.convert("RGB"))), "grey": numbers(pixels(read.convert("L"))),
        })
    return found


def resized():
    """What Pillow makes of pictures in float32, channel by channel."""
    image = picture(40, 57)
    Image.fromarray(image).save(os.path.join(folder, "picture.png"))
    planes = [Image.fromarray(plane, mode="F") for plane in pixels(image)]

    def resize(height, width, box=None):
        return np.stack([np.asarray(p.resize((width, height), Image.Resampling.BILINEAR, box=box)) for p in planes])

    cases = {
        "exactly": resize(16, 20), "larger": resize(64, 90), "shorter": resize(24, 34), "narrow": resize(40, 9),
        # Shorter side 24, then 20 x 20 from the middle, where 7 is half of 14 and 2 half of 4.
        "middle": resize(24, 34)[:, 2:22, 7:27],
    }
    return {name: numbers(values) for name, values in cases.items()}


def folders():
    """A folder of classes with two splits; files that are no images, and one that is cut off."""
    samples = []
    for split, count in [("train", 3), ("val", 2)]:
        for label, name in enumerate(["ape", "bee", "cat"]):
            if split == "val" and name == "bee":
                continue
            os.makedirs(os.path.join(folder, split, name, "deeper"))
            for index in range(count):
                path = os.path.join(split, name, "deeper" if index == 0 else "", f"{index}.png")
                image = Image.fromarray(picture(6, 5))
                image.save(os.path.join(folder, path))
                samples.append({"path": os.path.normpath(path), "label": label, "pixels": numbers(pixels(image))})
    open(os.path.join(folder, "train", "ape", "notes.txt"), "w").write("no image")
    return sorted(samples, key=lambda sample: sample["path"])


def cifar():
    """CIFAR-10's and CIFAR-100's binary files."""
    found = {}
    for name, classes, parts in [("ten", 10, ["data_batch_%d.bin" % i for i in range(1, 6)] + ["test_batch.bin"]), ("hundred", 100, ["train.bin", "test.bin"])]:
        os.makedirs(os.path.join(folder, name))
        for part in parts:
            images = rng.integers(0, 256, (4, 3, 32, 32), dtype=np.uint8)
            labels = rng.integers(0, classes, 4)
            with open(os.path.join(folder, name, part), "wb") as file:
                for image, label in zip(images, labels):
                    file.write(bytes([label] if classes == 10 else [label // 5, label]) + image.tobytes())
            found[f"{name}/{part}"] = {"labels": labels.tolist(), "pixels": numbers(images[1].astype(np.float32) / np.float32(255))}
    return found


def arrays():
    """Arrays of every type in .npy files, in a .npz and in a compressed one, and Keras's form."""
    values = rng.normal(0, 100, (5, 2, 3))
    found = {}
    for name in ["bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float16", "float32", "float64"]:
        if name == "bool":
            array = values > 0
        else:
            array = (np.abs(values) if name.startswith("u") else np.clip(values, -127, 127)).astype(name)
        # Two sample dimensions, so that bytes would be images: one more keeps them numbers.
        array = array.reshape(5, 6)
        np.save(os.path.join(folder, f"{name}.npy"), array)
        found[name] = numbers(array.astype(np.float32))
    tokens = {
        "input_ids": rng.integers(0, 30000, (7, 12)), "attention_mask": rng.integers(0, 2, (7, 12)), "labels": rng.integers(0, 3, 7),
    }
    np.savez(os.path.join(folder, "tokens.npz"), **tokens)
    np.savez_compressed(os.path.join(folder, "packed.npz"), **tokens)
    images = rng.integers(0, 256, (6, 7, 5, 3), dtype=np.uint8)
    np.savez(os.path.join(folder, "keras.npz"), x_train=images, y_train=np.arange(6).reshape(6, 1) % 4, x_test=images[:2], y_test=np.array([3, 1]))
    np.savez(os.path.join(folder, "regression.npz"), x=values.astype(np.float32), y=values[:, 0].astype(np.float64))
    np.savez(os.path.join(folder, "masks.npz"), image=rng.normal(0, 1, (3, 3, 4, 6)).astype(np.float32), target=rng.integers(0, 5, (3, 4, 6)).astype(np.uint8))
    np.save(os.path.join(folder, "fortran.npy"), np.asfortranarray(values))
    np.save(os.path.join(folder, "big.npy"), values.astype(">f4"))
    np.save(os.path.join(folder, "objects.npy"), np.array([{}, 1], dtype=object), allow_pickle=True)
    found["ids"] = numbers(tokens["input_ids"])
    found["mask"] = numbers(tokens["attention_mask"])
    found["labels"] = numbers(tokens["labels"])
    found["keras"] = numbers(images[4].transpose(2, 0, 1).astype(np.float32) / np.float32(255))
    found["regression"] = numbers(values[:, 0].astype(np.float32))
    found["map"] = numbers(np.load(os.path.join(folder, "masks.npz"))["target"])
    return found


def shards():
    """A data set in WebDataset's form: two tar files, a picture, a class and an array a sample."""
    found = []
    for shard in range(2):
        with tarfile.open(os.path.join(folder, f"train-{shard:03}.tar"), "w", format=[tarfile.GNU_FORMAT, tarfile.PAX_FORMAT][shard]) as tar:
            for index in range(3):
                image = Image.fromarray(picture(5, 7))
                png, array = io.BytesIO(), io.BytesIO()
                image.save(png, format="PNG")
                extra = rng.normal(0, 1, 4).astype(np.float32)
                np.save(array, extra)
                # Names longer than a header's field need one of their own.
                key = f"deep/folder/{'x' * 120 if index == 2 else ''}{shard}{index}"
                label = int(rng.integers(0, 9))
                for ending, data in [("png", png.getvalue()), ("cls", f"{label}\n".encode()), ("extra.npy", array.getvalue())]:
                    entry = tarfile.TarInfo(f"{key}.{ending}")
                    entry.size = len(data)
                    tar.addfile(entry, io.BytesIO(data))
                found.append({"label": label, "pixels": numbers(pixels(image)), "extra": numbers(extra)})
    return found


print(json.dumps({"decoded": decoded, "resized": resized, "folders": folders, "cifar": cifar, "arrays": arrays, "shards": shards}[kind]()))
