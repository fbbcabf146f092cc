"""The ways of pacing, as numbers that a kernel can take."""

POLICY_PROGRESSIVE = 0
"""One call for each ready agent, no more."""
POLICY_PREDICTIVE = 1
"""Dials ahead of agents who will be free, within the day's allowance of abandoned calls."""
POLICY_GUARANTEED = 2
"""As progressive, and never anything else: each call has its agent before it is placed."""

POLICIES = {
    "progressive": POLICY_PROGRESSIVE,
    "predictive": POLICY_PREDICTIVE,
    "guaranteed_agent": POLICY_GUARANTEED,
}
