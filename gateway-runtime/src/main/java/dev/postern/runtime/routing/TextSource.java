package dev.postern.runtime.routing;

import dev.postern.Request;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Where in a request a text stands that a condition looks at. */
enum TextSource {
    HEADER {
        @Override
        @Nullable
        String first(Request request, String name) {
            return request.headers().get(name);
        }
    },
    QUERY {
        @Override
        @Nullable
        String first(Request request, String name) {
            return request.queryParameter(name);
        }
    },
    COOKIE {
        @Override
        @Nullable
        String first(Request request, String name) {
            return request.cookie(name);
        }
    };

    /** The first value called {@code name}, or null. */
    abstract @Nullable String first(Request request, String name);

    /** The spelling by which names compare: header names do without case. */
    String key(String name) {
        return this == HEADER ? name.toLowerCase(Locale.ROOT) : name;
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
