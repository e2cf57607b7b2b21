"""What the process around the loop is: number formats, generators, versions, stacks."""
