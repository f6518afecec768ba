# The PyTorch script that ported.ts is a translation of, line by line.
import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(0)
x = torch.randn(256, 8)
y = (x[:, :1] * x[:, 1:2]).tanh() + 0.1 * torch.randn(256, 1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden_layer = nn.Linear(8, 32)
        self.norm = nn.LayerNorm(32)
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(32, 1)

    def forward(self, x):
        h = self.drop(F.gelu(self.norm(self.hidden_layer(x))))
        return self.head(h)


net = Net()
averaged = torch.optim.swa_utils.AveragedModel(net, avg_fn=lambda avg, new, n: avg + 0.05 * (new - avg))
optimizer = torch.optim.AdamW(net.parameters(), lr=3e-2, weight_decay=0.01)
scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=10)
for step in range(150):
    rows = torch.randperm(256)[:32]
    loss = F.mse_loss(net(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimizer.step()
    scheduler.step()
    averaged.update_parameters(net)
    if step % 25 == 24:
        print(f"step {step + 1}  loss {loss.item():.6f}")
net.eval()
averaged.eval()
with torch.no_grad():
    print(f"raw {F.mse_loss(net(x), y).item():.6f}  average {F.mse_loss(averaged(x), y).item():.6f}")
