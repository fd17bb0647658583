package dev.postern;

import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** The keys behind {@link RequestKey}'s factories. */
final class RequestKeys {
    private RequestKeys() {}

    enum Client implements RequestKey {
        ADDRESS;

        @Override
        public String of(Request request, Exchange exchange) {
            return exchange.client().key();
        }

        @Override
        public String toString() {
            return "client";
        }
    }

    enum Caller implements RequestKey {
        PRINCIPAL;

        @Override
        public @Nullable String of(Request request, Exchange exchange) {
            Principal principal = exchange.principal();
            return principal == null ? null : principal.name();
        }

        @Override
        public String toString() {
            return "principal";
        }
    }

    enum OfRoute implements RequestKey {
        ID;

        @Override
        public String of(Request request, Exchange exchange) {
            return exchange.route().id();
        }

        @Override
        public String toString() {
            return "route";
        }
    }

    record Header(String name) implements RequestKey {
        @Override
        public @Nullable String of(Request request, Exchange exchange) {
            return request.header(name);
        }

        @Override
        public String toString() {
            return "header " + name;
        }
    }

    record Cookie(String name) implements RequestKey {
        @Override
        public @Nullable String of(Request request, Exchange exchange) {
            return request.cookie(name);
        }

        @Override
        public String toString() {
            return "cookie " + name;
        }
    }

    record PathVariable(String name) implements RequestKey {
        @Override
        public @Nullable String of(Request request, Exchange exchange) {
            return exchange.pathVariables().get(name);
        }

        @Override
        public String toString() {
            return "path variable " + name;
        }
    }

    /** Equal by name: the name is the user's promise that the function is the same. */
    static final class Named implements RequestKey {
        private final String name;
        private final BiFunction<Request, Exchange, @Nullable String> function;

        Named(String name, BiFunction<Request, Exchange, @Nullable String> function) {
            this.name = name;
            this.function = function;
        }

        @Override
        public @Nullable String of(Request request, Exchange exchange) {
            return function.apply(request, exchange);
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Named that && that.name.equals(name);
        }

        @Override
        public int hashCode() {
            return name.hashCode();
        }

        @Override
        public String toString() {
            return name;
        }
    }
}
