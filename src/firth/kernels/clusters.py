"""The nearest of a few centroids, for k-means and product quantisation."""

import numpy as np

from firth.kernels.compiled import kernel


@kernel
def assign(points, centroids, distances, found):  # type: ignore[no-untyped-def]
    """found[i] = argmin_k |points_i - centroids_k|², the first of equals.

    points     f4[n, width]
    centroids  f4[width, k], k <= 256: a column is a centroid, so that a register holds the distances to many
    distances  f4[k], working memory
    found      u1[n], written
    """
    k = centroids.shape[1]
    for i in range(len(points)):
        for j in range(k):
            distances[j] = 0.0
        for d in range(points.shape[1]):
            x = points[i, d]
            for j in range(k):
                off = x - centroids[d, j]
                distances[j] += off * off
        best, least = 0, distances[0]
        for j in range(1, k):
            if distances[j] < least:
                best, least = j, distances[j]
        found[i] = np.uint8(best)
