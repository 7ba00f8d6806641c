"""Compare the bytes of training steps and scores on this CPU and on CPUs that QEMU emulates.

    python -m benchmarks.portable [--patch 24] [--batch 2] [--cpus Haswell,EPYC-Rome]

Runs two steps of each loss, with a digest of the weights after each step, then super-resolves an
image, and scores another by each judge. Each case is compared with this CPU under `portable: true`:
this CPU without it, other instructions and numbers of threads, and emulated CPUs of several makers
under `portable: true`. Needs Debian's qemu-user. Takes about five minutes per emulated CPU, most of
them for the judges, and eleven with the sample's batches of 16 patches of 48 pixels.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[1]
CPUS = "Haswell,Skylake-Client,EPYC-Rome,max"
OTHERS = {
    "oneDNN at SSE4.1": {"ONEDNN_MAX_CPU_ISA": "SSE41"},
    "oneDNN at AVX": {"ONEDNN_MAX_CPU_ISA": "AVX"},
    "torch at its lowest": {"ATEN_CPU_CAPABILITY": "default"},
    "one thread": {"THREADS": "1"},
    "three threads": {"THREADS": "3"},
}


def main() -> None:
    """Print a line per case; fail if an emulated CPU differs."""
    parser = argparse.ArgumentParser(description="Compare bytes among CPUs.")
    parser.add_argument("--patch", type=int, default=24)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--cpus", default=CPUS)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(*digests(options.patch, options.batch))
        return
    arguments = ["--child", "--patch", str(options.patch), "--batch", str(options.batch)]
    python = [sys.executable, "-m", "benchmarks.portable", *arguments]
    portable = run(python, PORTABLE="1")
    print(f"{'portable, this CPU':<28} {' '.join(portable)}")
    same(run(python), portable, "not portable, this CPU")
    for name, environment in OTHERS.items():
        same(run(python, **environment), portable, name)
    if not (qemu := shutil.which("qemu-x86_64")):
        sys.exit("qemu-x86_64 is not installed (apt install qemu-user)")
    different = False
    for cpu in options.cpus.split(","):
        emulated = [qemu, "-cpu", cpu, str(Path(sys.executable).resolve()), *python[1:]]
        different |= not same(run(emulated, PORTABLE="1"), portable, f"portable, {cpu}")
    sys.exit("an emulated CPU gives other bytes" if different else 0)


def same(found: list[str], expected: list[str], name: str) -> bool:
    """Print which digests differ, and return whether none does."""
    steps = ["MSE step 1", "2", "perceptual step 1", "2", "image", "LPIPS", "LPIPS-VGG", "DISTS"]
    differs = [step for step, a, b in zip(steps, found, expected, strict=True) if a != b]
    print(f"{name:<28} {'different: ' + ', '.join(differs) if differs else 'the same'}", flush=True)
    return not differs


def run(command: list[str], **environment: str) -> list[str]:
    """The digests that a process prints."""
    path = f"{ROOT}{os.pathsep}{sysconfig.get_path('purelib')}"  # QEMU's python has no venv
    result = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": path} | environment,
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    return result.stdout.split()


def digests(patch: int, batch: int) -> list[str]:
    """Digests of the weights after each step, of an image and of its scores, for random inputs."""
    if os.environ.get("PORTABLE"):
        from srcnn.models.portable import pin_arithmetic

        pin_arithmetic()
    import numpy as np
    import torch

    from benchmarks.usual_loop import random_vgg
    from srcnn.data.pretrained_weights import judge_weights
    from srcnn.evaluation.judges import load_judges
    from srcnn.models.device import best_device
    from srcnn.models.srcnn import SRCNN
    from srcnn.training.objective import Objective, PerceptualTerm, PixelTerm

    best_device()
    torch.set_num_threads(int(os.environ.get("THREADS", "2")))
    random = np.random.default_rng(0)

    def numbers(*shape: int) -> torch.Tensor:
        return torch.from_numpy(random.random(shape, dtype=np.float32))

    def digest(*tensors: torch.Tensor) -> str:
        joined = b"".join(t.detach().contiguous().numpy().tobytes() for t in tensors)
        return hashlib.sha256(joined).hexdigest()[:8]

    found = []
    for loss in ("mse", "perceptual"):
        model, objective = SRCNN(2), Objective()
        if loss == "perceptual":
            vgg = random_vgg()
            for weights in vgg.parameters():
                weights.copy_((numbers(*weights.shape) - 0.5) / weights[0].numel() ** 0.5)
            vgg.to(memory_format=torch.channels_last)
            perceptual = PerceptualTerm(vgg, {"block2_conv2": 1.0}, 0.9)
            objective = Objective([PixelTerm(weight=0.1), perceptual])
        for weights in model.parameters():
            weights.data = (numbers(*weights.shape) - 0.5) / weights[0].numel() ** 0.5
        model.to(memory_format=torch.channels_last)
        adam = torch.optim.Adam(model.parameters(), 1e-3, fused=True)
        side = patch // 2 + 2 * model.halo
        for _ in range(2):
            lr, hr = numbers(batch, 3, side, side), numbers(batch, 3, patch, patch)
            adam.zero_grad()
            sr = model(lr.contiguous(memory_format=torch.channels_last), with_halo=True)
            hr = hr.contiguous(memory_format=torch.channels_last)
            objective.loss(objective.measure(sr, hr)).backward()
            adam.step()
            found.append(digest(*model.parameters()))
    with torch.no_grad():
        sr = model(numbers(1, 3, 24, 24)).clamp(0, 1)
    weights = {network: judge_weights(network)[0] for network in ("alexnet", "vgg16")}
    judges = load_judges(torch.device("cpu"), weights)
    images = [(numbers(256, 256, 3).numpy() * 255).astype(np.uint8) for _ in range(2)]
    distances = [torch.tensor(each.distances(images[:1], images[1])) for each in judges.values()]
    return [*found, digest(sr), *map(digest, distances)]


if __name__ == "__main__":
    main()
