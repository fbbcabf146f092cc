"""`softswitch demo`: one small campaign on loopback against the lab, judged at the end."""
