package dev.postern.benchmarks.compare;

/** Row 5: a POST of one kibibyte, answered with as much. */
final class PostRow implements Row {
    @Override
    public void run(Bench bench) throws InterruptedException {
        bench.lineup().raw().postern();
        Rounds seen = bench.measure(Requests.POST);
        bench.ratio("POST 1 KiB", seen, "postern", "raw", 1.18, 1.08);
    }
}
