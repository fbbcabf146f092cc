"""The floor: agents and supervisors on their lines, who may work when, and the watch over their conversations."""
