"""The ways of pacing, as numbers that a kernel can take, and why the predictive one may stand back."""

POLICY_PROGRESSIVE = 0
"""One call for each ready agent, no more."""
POLICY_PREDICTIVE = 1
"""Dials ahead of agents who will be free, within the day's allowance of abandoned calls."""
POLICY_GUARANTEED = 2
"""As progressive, and never anything else: each call has its agent before it is placed."""
POLICY_PREVIEW = 3
"""One lead shown to each ready agent, who has the call placed; counted like a progressive call."""
POLICY_MANUAL = 4
"""The system places nothing by itself: agents ask for a number by its reference."""
POLICY_RATIO = 5
"""A fixed number of lines for each ready agent; progressive once the day is at its target."""

POLICIES = {
    "progressive": POLICY_PROGRESSIVE,
    "predictive": POLICY_PREDICTIVE,
    "guaranteed_agent": POLICY_GUARANTEED,
    "preview": POLICY_PREVIEW,
    "manual": POLICY_MANUAL,
    "ratio": POLICY_RATIO,
}

# Why a predictive (or ratio) campaign dials as a progressive one just now. 0: it does not.
FALLBACK_COLD = 1
FALLBACK_UNCALIBRATED = 2
FALLBACK_NO_DATA = 3
FALLBACK_OVER_LIMIT = 4
FALLBACK_SPENT = 5
FALLBACK_ERRORS = 6
FALLBACK_TRUNK = 7
FALLBACKS = {
    0: "",
    FALLBACK_COLD: "too few calls seen yet",
    FALLBACK_UNCALIBRATED: "answers differ from what was predicted",
    FALLBACK_NO_DATA: "no news of calls that should have ended",
    FALLBACK_OVER_LIMIT: "the day is over its limit of abandoned calls",
    FALLBACK_SPENT: "the day's allowance has no room for one more abandoned call",
    FALLBACK_ERRORS: "people whom answering machine detection loses are over the target by themselves",
    FALLBACK_TRUNK: "the trunk fails every call",
}
