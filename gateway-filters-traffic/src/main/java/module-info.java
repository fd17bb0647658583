/** Filters and handlers that shape traffic: limits, aggregation. */
@org.jspecify.annotations.NullMarked
module dev.postern.traffic {
    requires transitive dev.postern.api;
    requires com.fasterxml.jackson.core;
    requires com.fasterxml.jackson.databind;

    exports dev.postern.traffic;
}
