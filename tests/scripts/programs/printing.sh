echo "begin, 3 classes, took: 5 s"
for step in 10 20 30; do
  echo "step=$step loss=0.$step lr: 1e-3"
done
printf '\r 50%%|#####     | 40/80 [00:01<00:01, 30it/s, loss=0.125]'
