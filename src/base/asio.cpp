// What of Asio is no template (BOOST_ASIO_SEPARATE_COMPILATION), compiled once.
#include <boost/asio/impl/src.hpp>
