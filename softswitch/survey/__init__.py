"""Scripts of interviews: read and checked (`reading`, `paths`), walked through (`interview`), and counted (`quotas`,
`outcomes`, `aapor`).

`answers` says what may be an answer at all; `private_details` refuses whatever could find or reach a callee.
"""
