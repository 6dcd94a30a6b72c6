"""The notebook's stack: Keras on TensorFlow, images through `tf.py_function`.

Written anew from the notebook's description. `--pipeline guide` adds in its favour what TensorFlow
advises in its guide: parallel calls, a cache of the cutouts in memory, prefetching. `--pipeline
notebook` decodes each image in each epoch, one after the other, as the notebook did.
"""

import os
import time

import job

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import cv2
import keras
import numpy as np
import tensorflow as tf
from keras import layers

SIDE = 150
#: Filters, kernel, pool.
BLOCKS = ((32, 7, 2), (32, 7, 2), (64, 5, 2), (64, 5, 2), (128, 3, 1), (256, 3, 1))


def cutout(path: tf.Tensor) -> np.ndarray:
    """The square around the largest contour, in grey, (150, 150, 1) uint8."""
    image = cv2.cvtColor(cv2.imread(path.numpy().decode()), cv2.COLOR_BGR2GRAY)
    _, above = cv2.threshold(image, 10, 255, cv2.THRESH_BINARY)
    contours, _ = cv2.findContours(above, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    boxes = [cv2.boundingRect(contour) for contour in contours]
    if boxes:
        x, y, width, height = max(boxes, key=lambda box: box[2] * box[3])
        longer = max(width, height)
        padding = int(0.1 * longer)
        left, top, far = x - padding, y - padding, longer + padding
        if min(left, top) >= 0 and x + far <= image.shape[1] and y + far <= image.shape[0]:
            image = image[top : y + far, left : x + far]
    return cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)[..., None]


def pipeline(
    galaxies: job.Galaxies, batch_size: int, *, shuffle: bool, guide: bool
) -> tf.data.Dataset:
    def load(path, fractions):
        image = tf.py_function(cutout, [path], tf.uint8)
        image.set_shape((SIDE, SIDE, 1))
        return image, fractions

    data = tf.data.Dataset.from_tensor_slices((galaxies.files, galaxies.fractions))
    if not guide:
        data = data.shuffle(1024) if shuffle else data
        return data.map(load).batch(batch_size)
    data = data.map(load, num_parallel_calls=tf.data.AUTOTUNE).cache()
    if shuffle:
        data = data.shuffle(1024)
    return data.batch(batch_size).prefetch(tf.data.AUTOTUNE)


def network() -> keras.Model:
    stack = [
        keras.Input((SIDE, SIDE, 1)),
        layers.Rescaling(1 / 255),
        layers.RandomFlip("horizontal_and_vertical"),
        layers.RandomRotation(0.3),
        layers.RandomZoom((-0.1, 0.1), (-0.1, 0.1), fill_mode="nearest"),
        layers.RandomContrast(0.05, value_range=(0, 1)),
    ]
    for filters, kernel, pool in BLOCKS:
        stack += [layers.Conv2D(filters, kernel, activation="relu"), layers.BatchNormalization()]
        stack += [layers.MaxPooling2D(pool)] if pool > 1 else []
    stack += [layers.Dropout(0.05), layers.Flatten()]
    for units in (512, 256):
        stack += [layers.Dense(units, activation="relu"), layers.Dropout(0.15)]
    return keras.Sequential([*stack, layers.Dense(37, activation="sigmoid", dtype="float32")])


def known_mse(true: tf.Tensor, predicted: tf.Tensor) -> tf.Tensor:
    """Mean squared error over what is known: most galaxies here lack some of the answers."""
    known = tf.math.is_finite(true)
    error = tf.where(known, tf.where(known, true, 0.0) - predicted, 0.0)
    return tf.reduce_sum(error**2) / tf.reduce_sum(tf.cast(known, tf.float32))


class Clock(keras.callbacks.Callback):
    """Times the training part of each epoch, and ends the training at the deadline."""

    def __init__(self, images: int, minutes: float | None) -> None:
        super().__init__()
        self.images, self.minutes, self.epochs, self.seen = images, minutes, [], 0

    def on_epoch_begin(self, epoch, logs=None) -> None:
        self.begun = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None) -> None:
        if self.minutes and job.seconds_left(self.minutes) <= 1:
            self.model.stop_training = True

    def on_test_begin(self, logs=None) -> None:
        self.epochs.append((self.images, time.perf_counter() - self.begun))


def train(given) -> None:
    keras.utils.set_random_seed(given.seed)
    if given.precision == "bf16":
        keras.mixed_precision.set_global_policy("mixed_bfloat16")
    guide = given.pipeline == "guide"
    training = job.read_galaxies(given.images, given.table / "train.csv")
    validation = job.read_galaxies(given.images, given.table / "val.csv")
    model = network()
    model.compile(keras.optimizers.Adam(1e-3), loss=known_mse)
    clock = Clock(len(training), given.minutes)
    model.fit(
        pipeline(training, given.batch_size, shuffle=True, guide=guide),
        validation_data=pipeline(validation, given.batch_size, shuffle=False, guide=guide),
        epochs=10_000 if given.minutes else given.epochs,
        callbacks=[clock],
        verbose=0,
    )
    trained = time.perf_counter() - job.BEGUN
    if given.score:
        data = pipeline(validation, given.batch_size, shuffle=False, guide=guide)
        fractions = model.predict(data, verbose=0)
        job.write_predictions(given.output / "predictions.csv", validation.ids, fractions)
    job.write_result(
        given.output,
        images_per_second=job.steady(clock.epochs),
        trained_images=int(model.optimizer.iterations.numpy()) * given.batch_size,
        trained_seconds=trained,
        parameters=model.count_params(),
        packages=("tensorflow-cpu", "keras", "opencv-python-headless", "numpy"),
    )


if __name__ == "__main__":
    train(job.arguments(pipeline=["guide", "notebook"]))
