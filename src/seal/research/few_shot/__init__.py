"""The experiment on few-shot tasks (ARC): the model configures its own training on each task.

`experiment` is the whole of it. `voting` examines one directive a task; `choosing` and `committee` are for
several a task; `fixed` finds the strongest directive that is the same for all tasks.
"""
