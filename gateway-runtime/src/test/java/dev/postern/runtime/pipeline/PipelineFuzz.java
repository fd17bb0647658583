package dev.postern.runtime.pipeline;

import dev.postern.runtime.rig.Fuzz;
import java.nio.charset.StandardCharsets;

/** Parsers of this package, for the fuzzer. */
public final class PipelineFuzz {
    private PipelineFuzz() {}

    /** How long a call may take is no negative time, and what is told of it is not longer. */
    public static Fuzz.Target grpcTimeout() {
        return input -> {
            long nanos = GrpcCall.timeoutNanos(new String(input, StandardCharsets.ISO_8859_1));
            check(nanos >= 0, "" + nanos);
            String told = GrpcCall.timeout(nanos);
            long again = GrpcCall.timeoutNanos(told);
            check(again != Long.MAX_VALUE && again <= Math.max(nanos, 1_000), nanos + " becomes " + told);
            return nanos == Long.MAX_VALUE
                    ? input.length & 15
                    : 16 + Long.toString(nanos).length();
        };
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new IllegalStateException(what);
        }
    }
}
