"""The experiment on few-shot tasks (ARC): the model configures its own training on each task.

`experiment` is the whole of it; `voting` examines, `fixed` finds the strongest directive that is the same for
all tasks; `findings` and `report` show what came out.
"""
