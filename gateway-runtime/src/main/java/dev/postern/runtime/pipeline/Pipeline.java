package dev.postern.runtime.pipeline;

import dev.postern.Exchange;
import dev.postern.Failure;
import dev.postern.Filter;
import dev.postern.GatewayException;
import dev.postern.Request;
import dev.postern.Response;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * The filters of a route, compiled: gateway filters, route filters, the last step. Whatever a filter does wrong is contained
 * here and carries its name. Routes that have the same share one.
 */
public final class Pipeline {
    private static final System.Logger LOG = System.getLogger(Pipeline.class.getName());

    private final Filter[] filters;
    private final String[] names;
    private final LastStep last;

    /** What stands behind the last filter: the destination of the route. */
    @FunctionalInterface
    public interface LastStep {
        /** Answers a request; completes on the exchange's loop. */
        CompletionStage<Response> run(Request request, GatewayExchange exchange);
    }

    private Pipeline(Filter[] filters, String[] names, LastStep last) {
        this.filters = filters;
        this.names = names;
        this.last = last;
    }

    /** Compiles; filters of equal names are told apart by a number. */
    public static Pipeline of(List<Filter> gateway, List<Filter> own, LastStep last) {
        List<Filter> all = new ArrayList<>(gateway);
        all.addAll(own);
        return new Pipeline(all.toArray(Filter[]::new), names(all), last);
    }

    /** The names of the filters, in order of execution. */
    public List<String> names() {
        return List.of(names);
    }

    /** Runs an exchange to its answer. Called on its loop. */
    public void run(Request request, GatewayExchange exchange) {
        CompletionStage<Response> stage = run(0, request, exchange);
        if (stage instanceof LoopStage<Response> done && done.isDone()) {
            settle(done, exchange);
        } else {
            stage.whenComplete(
                    (response, failure) -> exchange.settle(response, failure == null ? null : cause(failure)));
        }
    }

    private static void settle(LoopStage<Response> done, GatewayExchange exchange) {
        try {
            exchange.settle(done.get(), null);
        } catch (ExecutionException failed) {
            exchange.settle(null, cause(failed));
        } catch (InterruptedException impossible) {
            throw new IllegalStateException("a completed stage waited", impossible);
        }
    }

    // The returned stage is always one of ours: completed on the loop, with a response or a GatewayException.
    private CompletionStage<Response> run(int index, Request request, GatewayExchange exchange) {
        if (index == filters.length) {
            return adopt(lastStep(request, exchange), null, index, exchange);
        }
        LoopWatch watch = exchange.loop().watch();
        String name = names[index];
        CompletionStage<Response> stage;
        String outer = watch.enter(name, exchange.route().id());
        exchange.waitingFor(name);
        try {
            stage = filters[index].apply(request, new Link(index, exchange));
        } catch (Throwable thrown) {
            return LoopStage.failed(exchange.loop(), blamed(thrown, name, exchange));
        } finally {
            watch.exit(outer);
        }
        return adopt(stage, name, index, exchange);
    }

    private CompletionStage<Response> lastStep(Request request, GatewayExchange exchange) {
        exchange.waitingFor(null);
        try {
            return last.run(request, exchange);
        } catch (Throwable thrown) {
            return LoopStage.failed(exchange.loop(), blamed(thrown, "the destination", exchange));
        }
    }

    /**
     * Makes a filter's stage one of ours.
     *
     * @param name the filter to blame; null for the last step, whose stages are ours already
     */
    private CompletionStage<Response> adopt(
            @Nullable CompletionStage<Response> stage, @Nullable String name, int index, GatewayExchange exchange) {
        Loop loop = exchange.loop();
        if (stage == null) {
            return LoopStage.failed(loop, fault(name, "returned no stage", null, exchange));
        }
        // 1. The common case: an answer that is already there.
        if (stage instanceof CompletableFuture<Response> future && isReadable(future) && future.isDone()) {
            if (!future.isCompletedExceptionally()) {
                Response response = future.getNow(null);
                return response == null
                        ? LoopStage.failed(loop, fault(name, "completed without a response", null, exchange))
                        : future instanceof LoopStage ? future : LoopStage.of(loop, response);
            }
        }
        // 2. Later, perhaps on another thread, perhaps twice: the first completion counts, and it counts on the loop.
        LoopStage<Response> ours = new LoopStage<>(loop);
        try {
            stage.whenComplete((response, failure) -> {
                if (loop.isEntered()) {
                    complete(ours, response, failure, name, index, exchange);
                } else {
                    loop.enter(() -> complete(ours, response, failure, name, index, exchange));
                }
            });
        } catch (RuntimeException broken) {
            return LoopStage.failed(loop, fault(name, "returned a broken stage", broken, exchange));
        }
        return ours;
    }

    /**
     * CompletableFuture.minimalCompletionStage() and completedStage() give futures by type that throw at every question;
     * who knows what other subclasses do. They can all be listened to.
     */
    private static boolean isReadable(CompletableFuture<Response> future) {
        return future instanceof LoopStage || future.getClass() == CompletableFuture.class;
    }

    private void complete(
            LoopStage<Response> ours,
            @Nullable Response response,
            @Nullable Throwable failure,
            @Nullable String name,
            int index,
            GatewayExchange exchange) {
        // What runs inside deliver() is the way back through the filter in front of this one.
        String next = index > 0 ? names[index - 1] : null;
        exchange.waitingFor(next);
        LoopWatch watch = exchange.loop().watch();
        String outer = next == null ? null : watch.enter(next, exchange.route().id());
        boolean first;
        if (failure != null) {
            first = ours.fail(blamed(failure, name, exchange));
        } else if (response == null) {
            first = ours.fail(fault(name, "completed without a response", null, exchange));
        } else {
            first = ours.deliver(response);
        }
        if (next != null) {
            watch.exit(outer);
        }
        if (!first) {
            LOG.log(
                    Level.WARNING,
                    "{0} of route \"{1}\" completed twice; the second time is ignored",
                    name,
                    exchange.route().id());
            if (response != null) {
                response.body().discard();
            }
        }
    }

    private static GatewayException blamed(Throwable failure, @Nullable String name, GatewayExchange exchange) {
        Throwable root = root(failure);
        if (root instanceof GatewayException known) {
            return known;
        }
        return fault(name, "failed: " + root, root, exchange);
    }

    private static GatewayException fault(
            @Nullable String name, String what, @Nullable Throwable cause, GatewayExchange exchange) {
        return new GatewayException(
                Failure.FILTER_FAILED,
                (name == null ? "the destination" : name) + " of route \""
                        + exchange.route().id() + "\" " + what,
                cause);
    }

    private static GatewayException cause(Throwable failure) {
        Throwable root = root(failure);
        return root instanceof GatewayException known
                ? known
                : new GatewayException(Failure.INTERNAL, "unexpected: " + root, root);
    }

    private static Throwable root(Throwable failure) {
        Throwable root = failure;
        while ((root instanceof CompletionException || root instanceof ExecutionException) && root.getCause() != null) {
            root = root.getCause();
        }
        return root;
    }

    private static String[] names(List<Filter> filters) {
        Map<String, Integer> seen = new HashMap<>();
        String[] names = new String[filters.size()];
        for (int i = 0; i < names.length; i++) {
            String name = filters.get(i).name();
            int count = seen.merge(name, 1, Integer::sum);
            names[i] = "filter \"" + (count == 1 ? name : name + '#' + count) + '"';
        }
        return names;
    }

    /** What a filter sees of the filters behind it. */
    private final class Link implements Filter.Chain {
        private final int index;
        private final GatewayExchange exchange;
        private @Nullable Request proceededWith;
        private @Nullable CompletionStage<Response> behind;

        Link(int index, GatewayExchange exchange) {
            this.index = index;
            this.exchange = exchange;
        }

        @Override
        public CompletionStage<Response> proceed(Request request) {
            Loop loop = exchange.loop();
            if (!loop.isCurrent()) {
                return proceedFromElsewhere(request);
            }
            if (exchange.isOver()) {
                return LoopStage.failed(loop, new GatewayException(Failure.CLIENT_GONE, "the exchange has ended"));
            }
            if (behind != null && refusedSecond()) {
                return LoopStage.failed(
                        loop,
                        fault(
                                names[index],
                                "proceeded again before the first answer came, behind an accepted upgrade, or with a body that is"
                                        + " used up",
                                null,
                                exchange));
            }
            proceededWith = request;
            CompletionStage<Response> stage = Pipeline.this.run(index + 1, request, exchange);
            behind = stage;
            if (stage instanceof LoopStage<Response> done && done.isDone()) {
                exchange.waitingFor(names[index]);
            }
            return stage;
        }

        private boolean refusedSecond() {
            boolean pending = !(behind instanceof LoopStage<Response> stage && stage.isDone());
            return pending
                    || upgraded()
                    || (proceededWith != null && !proceededWith.body().replayable());
        }

        /** An accepted upgrade is passed on or discarded; there is no other one behind it. */
        private boolean upgraded() {
            return behind instanceof LoopStage<Response> stage
                    && !stage.isCompletedExceptionally()
                    && stage.getNow(null).status() == 101;
        }

        private CompletionStage<Response> proceedFromElsewhere(Request request) {
            LoopStage<Response> stage = new LoopStage<>(exchange.loop());
            exchange.loop()
                    .execute(() -> proceed(request).whenComplete((response, failure) -> {
                        if (failure != null) {
                            stage.fail(root(failure));
                        } else {
                            stage.deliver(response);
                        }
                    }));
            return stage;
        }

        @Override
        public Exchange exchange() {
            return exchange;
        }

        @Override
        public CompletionStage<Response> answer(Response response) {
            return LoopStage.of(exchange.loop(), response);
        }
    }
}
