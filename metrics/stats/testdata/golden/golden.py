"""Golden values of SciPy, NumPy and astropy for golden_test.go.

    python3 -m venv venv && venv/bin/pip install scipy==1.17.1 numpy==2.4.6 astropy
    venv/bin/python golden.py      # writes samples.txt and scipy.txt
    Rscript golden.R               # reads samples.txt, writes r.txt

A line is what it is about, a statistic, and its numbers.
"""

import itertools

import astropy
import numpy as np
import scipy
from astropy.stats import kuiper_false_positive_probability
from scipy import stats

LEVEL = 0.95
QUANTILES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)

rng = np.random.default_rng(2026)
samples = {}
for n in (6, 7, 9, 12, 16, 25, 40):
    samples[f"normal{n}"] = np.round(rng.normal(0.4, 1, n), 6)
    samples[f"skewed{n}"] = np.round(rng.exponential(1, n) - 0.5, 6)
for n in (6, 8, 11):  # few different values, no zero
    samples[f"tied{n}"] = np.round(rng.normal(0, 2, n) * 2) / 2 + 0.25
pairs = {}
for n, m in ((4, 4), (5, 8), (6, 6), (12, 12), (10, 25), (30, 30)):
    samples[f"x{n}-{m}"] = np.round(rng.normal(1, 1, n), 6)
    samples[f"y{n}-{m}"] = np.round(rng.normal(0.5, 1, m), 6)
    pairs[f"{n}-{m}"] = (samples[f"x{n}-{m}"], samples[f"y{n}-{m}"])
for n, m in ((4, 6), (5, 5)):
    samples[f"xt{n}-{m}"] = np.round(rng.normal(1, 1, n) * 2) / 2
    samples[f"yt{n}-{m}"] = np.round(rng.normal(0.5, 1, m) * 2) / 2


def signed_rank(d):
    """The sum of the ranks of the positive differences, ties at their mean rank."""
    return np.sum(stats.rankdata(np.abs(d)) * (d > 0))


def by_every_sign(d):
    """P(T <= t) and P(T >= t), from all 2^n choices of signs."""
    ranks = stats.rankdata(np.abs(d))
    t = signed_rank(d)
    sums = np.array(
        [np.dot(ranks, signs) for signs in itertools.product((0, 1), repeat=len(d))]
    )
    return np.mean(sums <= t + 1e-9), np.mean(sums >= t - 1e-9)


def by_every_choice(x, y):
    """P(W <= w) and P(W >= w), from all choices of the ranks of x."""
    ranks = stats.rankdata(np.concatenate([x, y]))
    w = ranks[: len(x)].sum()
    sums = np.array([sum(c) for c in itertools.combinations(ranks, len(x))])
    return np.mean(sums <= w + 1e-9), np.mean(sums >= w - 1e-9)


def median_interval(x):
    """Order statistics and coverage, from the binomial distribution."""
    n, k = len(x), 0
    while k < n // 2 and 1 - 2 * stats.binom.cdf(k, n, 0.5) >= LEVEL:
        k += 1
    s = np.sort(x)
    return s[k - 1], s[n - k], 1 - 2 * stats.binom.cdf(k - 1, n, 0.5)


with open("samples.txt", "w") as out:
    for name, x in samples.items():
        print(name, *(repr(float(v)) for v in x), file=out)

with open("scipy.txt", "w") as out:

    def tell(about, statistic, *values):
        print(about, statistic, *(repr(float(v)) for v in values), file=out)

    print(
        f"# SciPy {scipy.__version__}, NumPy {np.__version__}, astropy {astropy.__version__}",
        file=out,
    )
    for name, x in samples.items():
        for p in QUANTILES:
            tell(name, f"quantile:{p}", np.quantile(x, p))
        tell(name, "mad", stats.median_abs_deviation(x))
        walsh = [(x[i] + x[j]) / 2 for i in range(len(x)) for j in range(i, len(x))]
        tell(name, "hodges-lehmann", np.median(walsh))
        if len(x) >= 6:
            tell(name, "median-interval", *median_interval(x))
        if name.startswith(("normal", "skewed")):
            for alternative in ("two-sided", "greater", "less"):
                tell(
                    name,
                    f"signed-rank-p:{alternative}",
                    stats.wilcoxon(x, alternative=alternative, method="exact").pvalue,
                )
        if name.startswith("tied"):
            less, greater = by_every_sign(x)
            tell(name, "signed-rank-p:less", less)
            tell(name, "signed-rank-p:greater", greater)
            tell(name, "signed-rank-p:two-sided", min(1, 2 * min(less, greater)))
    for name, (x, y) in pairs.items():
        tell(name, "shift", np.median(np.subtract.outer(x, y)))
        for alternative in ("two-sided", "greater", "less"):
            tell(
                name,
                f"rank-sum-p:{alternative}",
                stats.mannwhitneyu(
                    x, y, alternative=alternative, method="exact"
                ).pvalue,
            )
    for name in ("t4-6", "t5-5"):
        less, greater = by_every_choice(samples["x" + name], samples["y" + name])
        tell(name, "rank-sum-p:less", less)
        tell(name, "rank-sum-p:greater", greater)
        tell(name, "rank-sum-p:two-sided", min(1, 2 * min(less, greater)))
    # The limit: of so many values that the finite-sample correction is nothing.
    many = 1e16
    for v in (0.8, 1.0, 1.2, 1.4, 1.62, 1.747, 1.862, 2.001, 2.303, 2.8):
        tell(
            f"v={v}",
            "kuiper",
            kuiper_false_positive_probability(v / np.sqrt(many), many),
        )
    for freedom in (1, 2, 3, 5, 11, 29, 59):
        tell(f"freedom={freedom}", "student:0.975", stats.t.ppf(0.975, freedom))
