package dev.postern.benchmarks.compare;

/** One row of the table: starts who takes part, measures, and holds what was seen against its targets. */
@FunctionalInterface
interface Row {
    /** Measures. An exception leaves out what has not been reported until then. */
    void run(Bench bench) throws Exception;
}
