"""Moving and mixing spaxels: rotation, blur, block mean, shift and star masks, for batches on any device.

All act on ``content`` (N, C, ny, nx) in flux space: channel 0 is the coverage w (1 = good spaxel, 0 = none),
the others are extensive: w L, w L c. Masked spaxels are zero in all of them, so that sums and divisions see
good spaxels only.
"""

import torch
import torch.nn.functional as F


def rotate(content, matrix):
    """Bilinear rotation and reflection about the middle of the canvas, zero outside.

    content : tensor (N, C, ny, nx); matrix : tensor (N, 2, 2) from output to source offsets in (x, y).
    """
    ny, nx = content.shape[-2:]
    y = torch.arange(ny, device=content.device) - (ny - 1) / 2
    x = torch.arange(nx, device=content.device) - (nx - 1) / 2
    dy, dx = torch.meshgrid(y, x, indexing="ij")
    source = torch.einsum("nij,yxj->nyxi", matrix, torch.stack([dx, dy], dim=-1))
    half = torch.tensor([max(nx - 1, 1) / 2, max(ny - 1, 1) / 2], device=content.device)
    return F.grid_sample(content, source / half, mode="bilinear", padding_mode="zeros", align_corners=True)


def blur(content, sigma):
    """Gaussian blur of all but channel 0 (coverage), normalised by the blurred coverage: no zeros bleed in.

    content : tensor (N, C, ny, nx): w, w L, w L c. The kernel reaches 4 sigma.
    """
    reach = max(1, int(4 * sigma + 0.5))
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=content.device) / sigma) ** 2)
    kernel = (kernel / kernel.sum()).expand(content.shape[1], 1, 1, -1)
    soft = F.conv2d(content, kernel, padding=(0, reach), groups=content.shape[1])
    soft = F.conv2d(soft, kernel.transpose(2, 3), padding=(reach, 0), groups=content.shape[1])
    w = content[:, :1]
    return torch.cat([w, soft[:, 1:] * (w / soft[:, :1].clamp_min(1e-6))], dim=1)


def block_mean(content, factor):
    """Means of factor x factor blocks, (N, C, ny, nx) -> (N, C, my, mx), the middle of the canvas kept.

    my is the least number of blocks that covers ny and has its parity, so that the result goes whole pixels
    into the middle of the old canvas (for an odd ny and an even factor half an old pixel is lost); padded
    with zeros.
    """
    if factor == 1:
        return content
    sizes = []
    for size in content.shape[-2:]:
        blocks = -(-size // factor)
        blocks += (size - blocks) % 2
        extra = blocks * factor - size
        sizes.append((extra // 2, extra - extra // 2))
    (top, bottom), (left, right) = sizes
    return F.avg_pool2d(F.pad(content, (left, right, top, bottom)), factor)


def place(content, shape, shift):
    """Put maps into the middle of a canvas, then move them by whole pixels; zero elsewhere.

    content : tensor (N, C, my, mx); shape : (ny, nx); shift : integer tensor (N, 2), y and x.
    """
    n, channels, my, mx = content.shape
    rows = torch.arange(shape[0], device=content.device)[None] - (shape[0] - my) // 2 - shift[:, :1]
    columns = torch.arange(shape[1], device=content.device)[None] - (shape[1] - mx) // 2 - shift[:, 1:]
    inside = ((rows >= 0) & (rows < my))[:, :, None] & ((columns >= 0) & (columns < mx))[:, None, :]
    index = (rows.clamp(0, my - 1) * mx)[:, :, None] + columns.clamp(0, mx - 1)[:, None, :]
    flat = content.reshape(n, channels, my * mx)
    taken = flat.gather(2, index.reshape(n, 1, -1).expand(-1, channels, -1)).reshape(n, channels, *shape)
    return taken * inside[:, None]


def star_mask(stars, pixel_scale, shape):
    """(N, ny, nx) bool: inside a star's circle. stars : (N, S, 3) [arcsec]; pixel_scale : (N,) [arcsec/px]."""
    scaled = stars / pixel_scale[:, None, None]
    y = torch.arange(shape[0], device=stars.device) - (shape[0] - 1) / 2
    x = torch.arange(shape[1], device=stars.device) - (shape[1] - 1) / 2
    covered = torch.zeros((len(stars), *shape), dtype=torch.bool, device=stars.device)
    for one in scaled.unbind(dim=1):
        index = torch.nonzero(one[:, 2] >= 0)[:, 0]  # few galaxies have many stars
        if len(index):
            cy, cx, r = (column[:, None, None] for column in one[index].unbind(dim=1))
            covered[index] |= (y[:, None] - cy) ** 2 + (x - cx) ** 2 <= r**2
    return covered
