"""Two optimizers in turn."""

import torch

torch.set_num_threads(1)
maker, judge = torch.nn.Linear(2, 2), torch.nn.Linear(2, 1)
of_judge = torch.optim.Adam(judge.parameters(), lr=0.002)
of_maker = torch.optim.Adam(maker.parameters(), lr=0.001)
for _ in range(150):
    of_judge.zero_grad()
    real, made = judge(torch.randn(8, 2)), judge(maker(torch.randn(8, 2)).detach())
    (made.mean() - real.mean()).backward()
    of_judge.step()
    of_maker.zero_grad()
    (-judge(maker(torch.randn(8, 2))).mean()).backward()
    of_maker.step()
