/** Runs a gateway on Vert.x. */
@org.jspecify.annotations.NullMarked
module dev.postern.runtime {
    requires transitive dev.postern.api;
    requires re2j;
    requires static micrometer.core;
    requires static org.jspecify;

    exports dev.postern.runtime;
}
